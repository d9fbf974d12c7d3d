//! Markdown without raw HTML.

use pretty_assertions::assert_eq;

use super::{Album, Markdown, NoImages, render};

#[test]
fn blocks_follow_each_other_without_white_space() {
    assert_eq!(
        render("a\nb  \nc\n\n- x\n- y\n\n3. z\n\n> q\n\n---\n"),
        "<p>a\nb<br>c</p><ul><li>x</li><li>y</li></ul><ol start=\"3\"><li>z</li></ol>\
         <blockquote><p>q</p></blockquote><hr>"
    );
}

#[test]
fn headings_have_ids_and_links_to_themselves_and_leave_the_first_level_to_the_page() {
    assert_eq!(
        render("# One *two*\n\n## One two"),
        "<h2 id=\"one-two\">One <em>two</em><a class=\"anchor\" href=\"#one-two\" \
         aria-label=\"Link to this section\">#</a></h2>\
         <h2 id=\"one-two-2\">One two<a class=\"anchor\" href=\"#one-two-2\" \
         aria-label=\"Link to this section\">#</a></h2>"
    );
}

#[test]
fn a_scope_keeps_the_ids_of_two_texts_apart() {
    let html = Markdown::new(false).render_scoped("# A\n\nb[^1]\n\n[^1]: c", &NoImages, "about us");
    let html = html.unwrap();
    for id in ["id=\"about-us-a\"", "id=\"fn:about-us-1\"", "href=\"#fnref:about-us-1\""] {
        assert!(html.contains(id), "no {id} in {html}");
    }
}

#[test]
fn tables_scroll_in_a_box_and_align_by_class() {
    assert_eq!(
        render("| | b |\n|---|--:|\n| 1 | **2** |"),
        "<div class=\"table\" role=\"group\" aria-label=\"Table\" tabindex=\"0\"><table><thead>\
         <tr><td></td><th class=\"align-right\">b</th></tr></thead><tbody>\
         <tr><td>1</td><td class=\"align-right\"><strong>2</strong></td></tr></tbody></table></div>"
    );
    assert!(render("| a |\n|---|").ends_with("</thead></table></div>"));
}

#[test]
fn footnotes_are_numbered_by_first_reference_and_lead_back() {
    assert_eq!(
        render("a[^z] b[^y] c[^z]\n\n[^y]: Y\n\n[^z]: Z\n\n[^w]: W"),
        "<p>a<sup class=\"footnote-ref\"><a href=\"#fn:1\" id=\"fnref:1\" role=\"doc-noteref\" \
         aria-label=\"Footnote 1\">1</a></sup> b<sup class=\"footnote-ref\"><a href=\"#fn:2\" \
         id=\"fnref:2\" role=\"doc-noteref\" aria-label=\"Footnote 2\">2</a></sup> \
         c<sup class=\"footnote-ref\"><a href=\"#fn:1\" id=\"fnref:1-2\" role=\"doc-noteref\" \
         aria-label=\"Footnote 1\">1</a></sup></p>\
         <div class=\"footnotes\" role=\"doc-endnotes\" aria-label=\"Footnotes\"><ol>\
         <li id=\"fn:1\"><p>Z <a class=\"footnote-back\" href=\"#fnref:1\" role=\"doc-backlink\" \
         aria-label=\"Back to reference 1\">↩\u{fe0e}</a> \
         <a class=\"footnote-back\" href=\"#fnref:1-2\" role=\"doc-backlink\" \
         aria-label=\"Back to reference 1\">↩\u{fe0e}</a></p></li>\
         <li id=\"fn:2\"><p>Y <a class=\"footnote-back\" href=\"#fnref:2\" role=\"doc-backlink\" \
         aria-label=\"Back to reference 2\">↩\u{fe0e}</a></p></li>\
         <li id=\"fn:3\"><p>W</p></li></ol></div>"
    );
}

#[test]
fn tasks_are_boxes_with_names() {
    assert_eq!(
        render("- [x] a\n- [ ] b"),
        "<ul><li class=\"task\"><input type=\"checkbox\" disabled checked aria-label=\"Done\"> a</li>\
         <li class=\"task\"><input type=\"checkbox\" disabled aria-label=\"To do\"> b</li></ul>"
    );
    assert!(render("- [x] a\n\n- [ ] b").starts_with("<ul><li class=\"task\"><p><input "));
    assert!(render("- [x] a\n  ---").starts_with("<ul><li class=\"task\"><h2 id=\"a\"><input "));
}

#[test]
fn marks_within_a_line_and_smart_punctuation() {
    assert_eq!(
        render("*a* **b** ~~c~~ `d<e` \"f\" -- it's..."),
        "<p><em>a</em> <strong>b</strong> <del>c</del> <code>d&lt;e</code> “f” – it’s…</p>"
    );
}

#[test]
fn links_say_where_they_lead() {
    assert_eq!(
        render("[a](/b?c&d \"t\") [e](https://f.g) <h@i.j> [k](#l)"),
        "<p><a href=\"/b?c&amp;d\" title=\"t\">a</a> \
         <a href=\"https://f.g\" rel=\"noopener\">e</a> \
         <a href=\"mailto:h@i.j\">h@i.j</a> <a href=\"#l\">k</a></p>"
    );
}

#[test]
fn images_go_through_the_resolver_and_load_late() {
    let markdown = Markdown::new(false);
    assert_eq!(
        markdown.render("![an *A*](a.png \"T\") ![](b.png)", &Album).unwrap(),
        "<p><img src=\"/_assets/a.1.png\" alt=\"an A\" title=\"T\" width=\"40\" height=\"30\" \
         loading=\"lazy\" decoding=\"async\"> \
         <img src=\"b.png\" alt=\"\" loading=\"lazy\" decoding=\"async\"></p>"
    );
    let error = markdown.render("![x](missing.png)", &Album).unwrap_err();
    assert_eq!(error.to_string(), "image `missing.png`: no such file");
}

#[test]
fn code_keeps_its_language_and_is_coloured_on_request() {
    let source = "```rs,ignore\nlet a = \"<\";\n```\n\n    b\n\n```klingon\nc&d\n```";
    let rest = "<pre class=\"code\" tabindex=\"0\"><code>b</code></pre>\
                <pre class=\"code\" tabindex=\"0\"><code class=\"language-klingon\">c&amp;d</code></pre>";
    let open = "<pre class=\"code\" tabindex=\"0\"><code class=\"language-rust\">";
    let plain = format!("{open}let a = \"&lt;\";</code></pre>{rest}");
    assert_eq!(render(source), plain);
    let coloured = Markdown::new(true).render(source, &NoImages).unwrap();
    assert!(coloured.starts_with(&format!("{open}<span class=\"hl-keyword\">let</span> a ")));
    assert!(coloured.ends_with(rest));
}
