//! Raw HTML in Markdown, and HTML alone.

use pretty_assertions::assert_eq;

use super::{Album, Markdown, NoImages, render, sanitize};

#[test]
fn raw_html_is_kept_and_what_surrounds_it_is_as_without() {
    let source = "# A\n\n- [x] b[^1]\n\n| c |\n|--:|\n| d |\n\n```rust\nlet e = 1;\n```\n\n\
                  [f](https://g.h)\n\n[^1]: i\n\n";
    let markdown = Markdown::new(true);
    let plain = markdown.render(source, &NoImages).unwrap();
    let mixed = markdown.render(&format!("<kbd>x</kbd>\n\n{source}"), &NoImages).unwrap();
    let sorted = |html: &str| super::safety::canonical(html);
    assert_eq!(sorted(&mixed), sorted(&format!("<p><kbd>x</kbd></p>{plain}")));
}

#[test]
fn images_in_html_are_ours_too() {
    let markdown = Markdown::new(false);
    let image = "<img src=\"/_assets/a.1.png\" alt=\"\" width=\"40\" height=\"30\" \
                 loading=\"lazy\" decoding=\"async\">";
    let html = "<p><img src=a.png onerror=x>";
    assert_eq!(markdown.sanitize(html, &Album).unwrap(), format!("<p>{image}</p>"));
    assert_eq!(
        markdown.render("<b></b>![](a.png)", &Album).unwrap(),
        format!("<p><b></b>{image}</p>")
    );
    assert!(markdown.sanitize("<img src=missing.png>", &Album).is_err());
    assert_eq!(
        sanitize("<img src=b.png alt='<img src=c>' width=10 height=100%>"),
        "<img src=\"b.png\" alt=\"&lt;img src=c&gt;\" width=\"10\" loading=\"lazy\" decoding=\"async\">"
    );
}

#[test]
fn white_space_between_blocks_goes_and_within_code_stays() {
    assert_eq!(
        sanitize("<div>\n <p> a <b>b</b> c\n</p>\n</div>\n<pre>\n d\n\n e </pre>"),
        "<div><p>a <b>b</b> c</p></div><pre tabindex=\"0\"> d\n\n e </pre>"
    );
}

#[test]
fn headings_tables_links_and_ids_follow_the_house_rules() {
    assert_eq!(
        sanitize("<h1 id=a>A</h1><h2 id=a>B</h2><h2 id=main>C</h2><p id=b>D</p>"),
        "<h2 id=\"a\">A</h2><h2>B</h2><h2>C</h2><p>D</p>"
    );
    assert_eq!(
        sanitize("<table><tr><td>a</table>"),
        "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table><tbody>\
         <tr><td>a</td></tr></tbody></table></div>"
    );
    assert_eq!(
        sanitize(
            "<a href='//a.b/c d?e&amp;f' target=_blank>c</a><input><form><button>d</button></form>"
        ),
        "<a href=\"//a.b/c%20d?e&amp;f\" rel=\"noopener\">c</a>d"
    );
}

#[test]
fn text_without_markup_is_left_alone() {
    assert_eq!(sanitize("just “text”, 5\" wide"), "just “text”, 5\" wide");
    assert_eq!(sanitize("1 < 2 & 3"), "1 &lt; 2 &amp; 3");
}

#[test]
fn raw_html_cannot_end_what_surrounds_the_text() {
    assert_eq!(render("</div></main>\n\na"), "<p>a</p>");
}
