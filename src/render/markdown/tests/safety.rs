//! Nothing dangerous survives, whichever way it went; and the way past the sanitiser gives what
//! the sanitiser would have given.

use proptest::prelude::*;

use super::{Markdown, NoImages, render, sanitize};
use crate::render::markdown::entities::decode;
use crate::render::markdown::polish::polish;
use crate::render::markdown::tags::{Piece, pieces};
use crate::render::sanitize::{Sanitizer, is_safe_url};

/// HTML as a list of its tags and texts, in one spelling whoever wrote it.
pub fn canonical(html: &str) -> Vec<String> {
    let mut list = vec![String::new()];
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) => {
                let words: String = decode(text).split_whitespace().collect();
                list.last_mut().unwrap().push_str(&words);
            }
            Piece::Tag(tag) => {
                let mut attributes: Vec<_> = tag
                    .attributes()
                    .map(|(key, value)| format!(" {key}={}", decode(value)))
                    .collect();
                attributes.sort_unstable();
                let slash = if tag.end { "/" } else { "" };
                list.push(format!("<{slash}{}{}>", tag.name, attributes.concat()));
                list.push(String::new());
            }
        }
    }
    list.retain(|piece| !piece.is_empty());
    list
}

fn assert_harmless(html: &str) {
    for piece in pieces(html) {
        let Piece::Tag(tag) = piece else { continue };
        let bad = ["script", "style", "svg", "math", "iframe", "object", "form", "base", "meta"];
        assert!(!bad.contains(&tag.name), "{html}");
        for (name, value) in tag.attributes() {
            assert!(!name.starts_with("on") && name != "style", "{html}");
            assert!(!["href", "src"].contains(&name) || is_safe_url(&decode(value)), "{html}");
        }
    }
}

/// The sanitiser has nothing to say about `html`.
fn assert_clean(html: &str) {
    assert_harmless(html);
    let cleaned = polish(&Sanitizer::new().clean(html), &NoImages).unwrap();
    pretty_assertions::assert_eq!(canonical(html), canonical(&cleaned));
}

const NASTY: &[&str] = &[
    "<script>alert(1)</script>",
    "<p onclick=alert(1)>a</p>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
    "<a href=\"javascript:alert(1)\">a</a>",
    "<a href=\" &#14; javascript:alert(1)\">a</a>",
    "<a style=\"background:url(javascript:alert(1))\">a</a>",
    "<iframe src=\"https://example.com\"></iframe>",
    "<form action=\"https://example.com\"><input type=password><button>a</button></form>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "[a](javascript:alert(1))",
    "[a](JaVaScRiPt:alert(1))",
    "[a](&#106;avascript&colon;alert(1))",
    "[a](<java\tscript:alert(1)>)",
    "[a](java&#10;script:alert(1))",
    "[a](java&Tab;script:alert(1))",
    "[a](&#1;javascript:alert(1))",
    "[a](\\javascript:alert(1))",
    "[a](vbscript:a)",
    "[a](data:text/html;base64,PHNjcmlwdD4=)",
    "![a](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![a](javascript:alert(1))",
    "[a](/b \"\\\" onmouseover=alert(1) x=\\\"\")",
    "[a](/b '\" onmouseover=\"alert(1)')",
    "![\"><script>alert(1)</script>](b)",
    "![a](b\"onerror=\"alert(1))",
    "<javascript:alert(1)>",
    "<data:text/html,a>",
    "[a]\n\n[a]: javascript:alert(1) \"b\"",
    "[![a](javascript:b)](javascript:c)",
    "[a [b](c) d](javascript:e)",
    "[a <https://b.c> d](e)",
    "[a[^1]](b)\n\n[^1]: [c](javascript:d)",
    "[^1]\n\n[^1]: a [^1] b",
    "```\"><script>alert(1)</script>\na\n```",
    "```js\n</code></pre><script>alert(1)</script>\n```",
    "# <script>alert(1)</script>",
    "# \"><img src=x onerror=alert(1)>",
    "| <b> |\n|---|\n| <script> |",
    "`<script>`\n\n&lt;script&gt;alert(1)&lt;/script&gt;",
];

#[test]
fn nothing_nasty_survives() {
    for source in NASTY {
        let html = render(source);
        assert_clean(&html);
        assert_harmless(&sanitize(source));
        let text = super::super::plain_text(&html);
        assert!(!html.contains("<script") && !text.contains("onerror=alert(1)>]"), "{html}");
    }
}

#[test]
fn bad_links_keep_their_words_only() {
    assert_eq!(render("[a](javascript:b) [c](ftp://d)"), "<p><a>a</a> <a>c</a></p>");
    assert_eq!(render("![words](data:b)"), "<p>words</p>");
    assert_eq!(
        sanitize("<p><a href=vbscript:b>a</a><img src=data:b alt=words></p>"),
        "<p><a>a</a>words</p>"
    );
}

#[test]
fn urls_are_judged_as_browsers_read_them() {
    for url in [
        "",
        "a",
        "/a",
        "#a",
        "?a:b",
        "a/b:c",
        "//a",
        "http://a",
        "HTTPS://a",
        "mailto:a@b",
        "tel:1",
    ] {
        assert!(is_safe_url(url), "{url:?}");
    }
    for url in [
        "javascript:a",
        " javascript:a",
        "\u{1}javascript:a",
        "java\nscript:a",
        "data:a",
        "blob:a",
        "file:///a",
        "a:b",
        "JAVASCRIPT\t:a",
    ] {
        assert!(!is_safe_url(url), "{url:?}");
    }
}

/// Things that mean something to a parser, in any order.
fn fragments() -> impl Strategy<Value = String> {
    const PARTS: &[&str] = &[
        "[",
        "]",
        "(",
        ")",
        "![",
        "](",
        "<",
        ">",
        "*",
        "**",
        "_",
        "`",
        "```",
        "```js\n",
        "\n",
        "\n\n",
        "    ",
        "- ",
        "- [x] ",
        "1. ",
        "> ",
        "# ",
        "### ",
        "|",
        "\n|---|:-:|\n",
        "[^1]",
        "\n\n[^1]: ",
        "[^2]",
        "javascript:",
        "data:",
        "&#106;",
        "&colon;",
        "&lt;",
        "\"",
        "'",
        "http://a.b/",
        "x@y.z",
        "<http://a.b>",
        "\n\n[a]: ",
        "[a]",
        "\t",
        "~~",
        "\\",
        "a",
        "b c",
        "é",
        "日",
        "\u{1}",
        "\u{a0}",
        "onerror=",
        "=",
        "/",
        ":",
        "!",
        "---",
        "...",
        "=\n",
        "%",
        "&",
        "#",
        "\r\n",
        "\0",
    ];
    prop::collection::vec(prop::sample::select(PARTS), 0..60).prop_map(|parts| parts.concat())
}

/// The same with tags.
fn fragments_with_html() -> impl Strategy<Value = String> {
    const TAGS: &[&str] = &[
        "<script>",
        "</script>",
        "<style>",
        "<svg>",
        "</svg>",
        "<math>",
        "<p>",
        "</p>",
        "<b onclick=a>",
        "</b>",
        "<a href='javascript:a'>",
        "</a>",
        "<img src=a onerror=b>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<pre>",
        "</pre>",
        "<!--",
        "-->",
        "<h1 id=a>",
        "</h1>",
        "<div class=table>",
        "</div>",
        "<textarea>",
        "<noscript>",
        "<title>",
        "<template>",
        "<input aria-label=a type=text>",
        "<!x",
        "<?",
    ];
    let tags = prop::collection::vec((fragments(), prop::sample::select(TAGS)), 1..6);
    tags.prop_map(|parts| parts.into_iter().map(|(text, tag)| text + tag).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn markdown_is_what_the_sanitiser_would_make_of_it(source in fragments()) {
        let markdown = Markdown::new(false);
        assert_clean(&markdown.render(&source, &NoImages).unwrap());
    }

    #[test]
    fn raw_html_is_clean_and_stays_so(source in fragments_with_html()) {
        let markdown = Markdown::new(false);
        assert_harmless(&markdown.render(&source, &NoImages).unwrap());
        let once = markdown.sanitize(&source, &NoImages).unwrap();
        assert_harmless(&once);
    }
}
