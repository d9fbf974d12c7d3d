//! Minifying: inline scripts once, when their template is loaded; the shell of each page when it is
//! rendered. Long texts are compact as they come from Markdown and are left out of it.

use std::borrow::Cow;

use memchr::memmem;
use minify_html::{Cfg, minify};
use tera::Value;

/// Stands for a body while the page around it is minified. Private-use characters: no template and
/// no minifier makes anything of them.
const MARK: &str = "\u{f8ff}\u{f8fe}body\u{f8fe}\u{f8ff}";

pub struct Minifier(Option<Cfg>);

impl Minifier {
    pub fn new(enabled: bool) -> Self {
        Self(enabled.then(config))
    }

    /// Minifies a page. `bodies` are parts of it that are compact already; one that the template
    /// changed or left out is simply minified with the rest.
    pub fn page(&self, html: String, bodies: &[Value]) -> Vec<u8> {
        let Some(cfg) = &self.0 else { return html.into_bytes() };
        if html.contains(MARK) {
            return minify(html.as_bytes(), cfg);
        }
        let (shell, cut) = cut(html, bodies);
        let shell = minify(shell.as_bytes(), cfg);
        if cut.is_empty() { shell } else { paste(&shell, &cut) }
    }
}

fn config() -> Cfg {
    Cfg { keep_closing_tags: true, keep_html_and_head_opening_tags: true, ..Cfg::new() }
}

/// Replaces each body found in the page by the mark; bodies come back in the page's order.
fn cut(html: String, bodies: &[Value]) -> (String, Vec<&str>) {
    let mut found: Vec<(usize, &str)> = bodies
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|body| Some((memmem::find(html.as_bytes(), body.as_bytes())?, body)))
        .collect();
    found.sort_unstable();
    found.dedup_by(|next, before| next.0 < before.0 + before.1.len());
    if found.is_empty() {
        return (html, Vec::new());
    }
    let mut shell = String::with_capacity(html.len());
    let mut end = 0;
    for (start, body) in &found {
        shell.push_str(&html[end..*start]);
        shell.push_str(MARK);
        end = start + body.len();
    }
    shell.push_str(&html[end..]);
    (shell, found.into_iter().map(|(_, body)| body).collect())
}

fn paste(shell: &[u8], bodies: &[&str]) -> Vec<u8> {
    let length = shell.len() + bodies.iter().map(|body| body.len()).sum::<usize>();
    let mut page = Vec::with_capacity(length);
    let mut end = 0;
    for (start, body) in memmem::find_iter(shell, MARK).zip(bodies) {
        page.extend_from_slice(&shell[end..start]);
        page.extend_from_slice(body.as_bytes());
        end = start + MARK.len();
    }
    page.extend_from_slice(&shell[end..]);
    page
}

/// A template with its inline scripts minified, unless they hold template syntax themselves.
pub fn inline_scripts(template: &str) -> Cow<'_, str> {
    const OPEN: &str = "<script>";
    const CLOSE: &str = "</script>";
    let mut result = String::new();
    let mut rest = template;
    while let Some(start) = rest.find(OPEN) {
        let Some(end) = rest[start..].find(CLOSE).map(|at| at + start + CLOSE.len()) else { break };
        let script = &rest[start..end];
        result.push_str(&rest[..start]);
        result.push_str(&script_minified(script));
        rest = &rest[end..];
    }
    if result.is_empty() {
        return Cow::Borrowed(template);
    }
    result.push_str(rest);
    Cow::Owned(result)
}

fn script_minified(script: &str) -> Cow<'_, str> {
    if ["{{", "{%", "{#"].iter().any(|brace| script.contains(brace)) {
        return Cow::Borrowed(script);
    }
    let cfg = Cfg { minify_js: true, ..config() };
    match String::from_utf8(minify(script.as_bytes(), &cfg)) {
        // Braces that minifying brought together would read as template syntax.
        Ok(short) if !["{{", "{%", "{#"].iter().any(|brace| short.contains(brace)) => {
            Cow::Owned(short)
        }
        _ => Cow::Borrowed(script),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_is_minified_and_the_body_untouched() {
        let body = "<p>a  b</p><pre>x\n  y</pre>";
        let page = format!("<!doctype html><body>  <main> {body} </main>  <p>  z </p></body>");
        let minified = Minifier::new(true).page(page, &[Value::safe_string(body)]);
        let text = String::from_utf8(minified).unwrap();
        assert!(text.contains(body), "{text}");
        assert!(text.contains("<p>z</p>"), "{text}");
        assert!(!text.contains('\u{f8ff}'), "{text}");
    }

    #[test]
    fn a_body_the_template_left_out_changes_nothing() {
        let page = "<p>  a </p>".to_owned();
        let minified = Minifier::new(true).page(page, &[Value::safe_string("<p>gone</p>")]);
        assert_eq!(minified, b"<p>a</p>");
    }

    #[test]
    fn inline_scripts_are_minified_once_in_the_template() {
        let template = "<head><script>\n  const a = 1;\n  document.title = a;\n</script></head>";
        let minified = inline_scripts(template);
        assert!(minified.len() < template.len(), "{minified}");
        assert!(minified.starts_with("<head><script>") && minified.ends_with("</script></head>"));
        let dynamic = "<script>const a = {{ x }};</script>";
        assert_eq!(inline_scripts(dynamic), dynamic);
    }
}
