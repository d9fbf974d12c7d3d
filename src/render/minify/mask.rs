//! Hiding template syntax from the HTML minifier, and putting it back.

use std::fmt::Write as _;

use super::scan::{self, Piece};

/// Around a number in text: private-use characters, of which no template and no minifier makes
/// anything.
pub const OPEN: char = '\u{f8fd}';
pub const CLOSE: char = '\u{f8fe}';
/// Before a number among attributes.
pub const ATTRIBUTES: &str = "frieze-mask-";

/// A template as HTML, with what was taken out.
pub struct Masked<'a> {
    pub html: String,
    hidden: Vec<std::borrow::Cow<'a, str>>,
}

impl<'a> Masked<'a> {
    /// Masks a template; nothing for one that cannot be read, or that uses the masks itself.
    pub fn new(text: &'a str) -> Option<Self> {
        if text.contains([OPEN, CLOSE]) || text.contains(ATTRIBUTES) {
            return None;
        }
        let mut masked = Self { html: String::with_capacity(text.len()), hidden: Vec::new() };
        for piece in scan::pieces(text)? {
            masked.add(&piece);
        }
        Some(masked)
    }

    fn add(&mut self, piece: &Piece<'a>) {
        match *piece {
            Piece::Text(text) | Piece::Tag(text) => self.html.push_str(text),
            Piece::Comment => {}
            Piece::Template(tag) => self.hide_text(tag.into()),
            Piece::Script(element) => {
                let plain = !["{{", "{%", "{#"].iter().any(|brace| element.contains(brace));
                let short = plain.then(|| super::script(element)).flatten();
                self.hide_text(short.map_or(element.into(), Into::into));
            }
            Piece::TagWithTemplate { open, attributes, close } => {
                let number = self.hidden.len();
                self.hidden.push(scan::folded_attributes(attributes).into());
                let _ = write!(self.html, "{open} {ATTRIBUTES}{number}{close}");
            }
        }
    }

    fn hide_text(&mut self, text: std::borrow::Cow<'a, str>) {
        let _ = write!(self.html, "{OPEN}{}{CLOSE}", self.hidden.len());
        self.hidden.push(text);
    }

    /// Puts everything back; nothing where a mask is broken.
    pub fn unmask(&self, html: &str) -> Option<String> {
        let mut text = String::with_capacity(html.len() * 2);
        let mut rest = html;
        while let Some(start) = rest.find([OPEN]).into_iter().chain(rest.find(ATTRIBUTES)).min() {
            text.push_str(&rest[..start]);
            let in_text = rest[start..].starts_with(OPEN);
            let digits = start + if in_text { OPEN.len_utf8() } else { ATTRIBUTES.len() };
            let end = rest[digits..]
                .find(|c: char| !c.is_ascii_digit())
                .map_or(rest.len(), |at| at + digits);
            let number: usize = rest[digits..end].parse().ok()?;
            text.push_str(self.hidden.get(number)?);
            rest = rest[end..].strip_prefix(CLOSE).unwrap_or(&rest[end..]);
        }
        text.push_str(rest);
        Some(text)
    }
}
