use super::*;

fn html(language: &str, code: &str) -> String {
    let mut out = String::new();
    assert!(Highlighter::new().write(&mut out, language, code));
    out
}

fn has(html: &str, class: &str, text: &str) {
    let span = format!("<span class=\"hl-{class}\">{text}</span>");
    assert!(html.contains(&span), "no {span} in:\n{html}");
}

#[test]
fn rust_is_coloured() {
    let html =
        html("rs", "use std::io;\n/// d\nfn f<'a>(x: &'a u8) -> Option<u8> { Some(1 + N_MAX) }");
    has(&html, "keyword", "use");
    has(&html, "module", "std");
    has(&html, "comment", "/// d");
    has(&html, "function", "f");
    has(&html, "variable", "x");
    has(&html, "type", "Option");
    has(&html, "constructor", "Some");
    has(&html, "number", "1");
    has(&html, "constant", "N_MAX");
}

#[test]
fn sql_is_coloured() {
    let html = html("sql", "-- note\nselect count(*) from posts where n > 12 and s = 'x';");
    has(&html, "comment", "-- note");
    has(&html, "function", "count");
    has(&html, "type", "posts");
    has(&html, "number", "12");
    has(&html, "string", "'x'");
}
