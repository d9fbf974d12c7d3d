//! Reads HTML as text and tags: just enough for what the sanitiser or Markdown has written.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    Tag(Tag<'a>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag<'a> {
    pub name: &'a str,
    /// True for `</p>`.
    pub end: bool,
    /// All of it, with its brackets.
    pub raw: &'a str,
    attributes: &'a str,
}

/// The text and tags of `html`, in order. Any input will do; what is no tag is text.
pub fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = html;
    std::iter::from_fn(move || {
        let (piece, length) = match tag(rest) {
            Some(tag) => (Piece::Tag(tag), tag.raw.len()),
            None if rest.is_empty() => return None,
            None => {
                let length = text_length(rest);
                (Piece::Text(&rest[..length]), length)
            }
        };
        rest = &rest[length..];
        Some(piece)
    })
}

/// Up to the next `<` that begins a tag.
fn text_length(html: &str) -> usize {
    memchr::memchr_iter(b'<', html.as_bytes())
        .find(|at| *at > 0 && tag(&html[*at..]).is_some())
        .unwrap_or(html.len())
}

fn tag(html: &str) -> Option<Tag<'_>> {
    let inside = html.strip_prefix('<')?;
    let end = inside.starts_with('/');
    let named = &inside[usize::from(end)..];
    if !named.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!') {
        return None;
    }
    let length = closing_bracket(named)?;
    let (name, attributes) = named[..length].split_at(name_length(&named[..length]));
    let raw = &html[..=html.len() - named.len() + length];
    Some(Tag { name, end, raw, attributes })
}

fn name_length(named: &str) -> usize {
    named.find(|c: char| c.is_ascii_whitespace() || c == '/').unwrap_or(named.len())
}

/// The first `>` that is not within quotes.
fn closing_bracket(named: &str) -> Option<usize> {
    let mut quote = None;
    named.bytes().position(|byte| {
        match quote {
            Some(open) if open == byte => quote = None,
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            _ => {}
        }
        byte == b'>' && quote.is_none()
    })
}

impl<'a> Tag<'a> {
    /// Names and undecoded values; a name without value has an empty one.
    pub fn attributes(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.attributes;
        std::iter::from_fn(move || {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() {
                return None;
            }
            let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=');
            let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
            let (value, after) = after.strip_prefix('=').map_or(("", after), value);
            rest = after;
            Some((name, value))
        })
    }

    pub fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes().find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// An attribute's value, and what follows it.
fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_where_browsers_end_them() {
        let html = "1 < 2 <a href=\"a>b\" title='x' hidden>c</a><br/><";
        let tags: Vec<_> = pieces(html)
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Tag(tag) => tag.raw,
            })
            .collect();
        assert_eq!(
            tags,
            ["1 < 2 ", "<a href=\"a>b\" title='x' hidden>", "c", "</a>", "<br/>", "<"]
        );
        let Some(Piece::Tag(a)) = pieces(html).nth(1) else { panic!("no tag") };
        let attributes: Vec<_> = a.attributes().collect();
        assert_eq!(attributes, [("href", "a>b"), ("title", "x"), ("hidden", "")]);
    }
}
