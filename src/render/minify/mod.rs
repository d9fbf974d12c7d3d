//! Minifying: each template once, when it is loaded, so that the pages made from it need none.
//!
//! The minifier knows HTML but no template syntax. So each template goes through it with its tags
//! masked, and comes back only if nothing but white space, quotes and comments changed: elements and
//! template tags must stand in the same order as before. Otherwise the template keeps its
//! text, with white space folded.

mod mask;
mod scan;

use std::borrow::Cow;

use minify_html::{Cfg, minify};

/// A template's text, minified.
pub fn template(text: &str) -> Cow<'_, str> {
    let Some(masked) = mask::Masked::new(text) else { return Cow::Borrowed(text) };
    let short = minify(masked.html.as_bytes(), &config());
    let short = String::from_utf8(short).ok().filter(|short| {
        // What the minifier dropped, added or moved would be missing on a page.
        scan::shape(&masked.html) == scan::shape(short)
    });
    let html = short.unwrap_or_else(|| scan::folded(&masked.html));
    masked.unmask(&scan::tight(&html)).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn config() -> Cfg {
    Cfg { keep_closing_tags: true, keep_html_and_head_opening_tags: true, ..Cfg::new() }
}

/// A script element without template syntax, minified.
fn script(element: &str) -> Option<String> {
    let cfg = Cfg { minify_js: true, ..config() };
    let short = String::from_utf8(minify(element.as_bytes(), &cfg)).ok()?;
    // Braces that minifying brought together would read as template syntax.
    let clash = ["{{", "{%", "{#"].iter().any(|brace| short.contains(brace));
    (!clash && short.ends_with("</script>")).then_some(short)
}

#[cfg(test)]
mod tests;
