//! What sitemap and feed share: text that XML may hold.

use std::borrow::Cow;

/// The text without the control characters that XML has no way to write.
pub fn clean(text: &str) -> Cow<'_, str> {
    let illegal = |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(illegal) { text.replace(illegal, "").into() } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_xml_cannot_hold_is_removed() {
        assert_eq!(clean("a\u{0}b\u{8}c\u{b}d\u{1f}e\u{ffff}f"), "abcdef");
        assert_eq!(clean("tab\tline\r\né 🗿 <&>"), "tab\tline\r\né 🗿 <&>");
    }
}
