//! Content-Security-Policy sources of what a finished page holds inline.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use sha2::{Digest, Sha256};

/// The sources of a page's inline scripts and styles, each prefixed with its directive:
/// `script-src 'sha256-…'`.
pub fn inline_sources(html: &[u8]) -> Vec<String> {
    let mut sources = Vec::new();
    collect(html, b"<script", b"</script>", "script-src", &mut sources);
    collect(html, b"<style", b"</style>", "style-src", &mut sources);
    sources.sort_unstable();
    sources.dedup();
    sources
}

fn collect(html: &[u8], open: &[u8], close: &[u8], directive: &str, sources: &mut Vec<String>) {
    for start in memmem::find_iter(html, open) {
        let rest = &html[start + open.len()..];
        let Some(tag_end) = memchr::memchr(b'>', rest) else { return };
        let (attributes, rest) = (&rest[..tag_end], &rest[tag_end + 1..]);
        let Some(end) = memmem::find(rest, close) else { return };
        if end > 0 && runs(attributes) {
            let hash = STANDARD.encode(Sha256::digest(&rest[..end]));
            sources.push(format!("{directive} 'sha256-{hash}'"));
        }
    }
}

/// Data blocks, such as JSON-LD, are no scripts to a browser.
fn runs(attributes: &[u8]) -> bool {
    memmem::find(attributes, b"json").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inline_scripts_and_styles_are_hashed_and_data_is_not() {
        let page = b"<script>a()</script><script type=application/ld+json>{}</script>\
            <style>a{}</style><script src=/x.js></script><script>a()</script>";
        let sources = inline_sources(page);
        assert_eq!(sources.len(), 2, "{sources:?}");
        // echo -n 'a()' | openssl dgst -sha256 -binary | base64
        assert_eq!(sources[0], "script-src 'sha256-qVpDBgj7bpq5hMAcGp3AOc79J3Y1Z4HvySTwKrWDoy4='");
        assert!(sources[1].starts_with("style-src "), "{sources:?}");
    }
}
