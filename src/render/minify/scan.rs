//! Reading a template just far enough: template tags, HTML tags, comments, scripts, text.

/// A piece of a template. Together, in order, the pieces are the template.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// `{{ … }}`, `{% … %}` or `{# … #}` in text.
    Template(&'a str),
    /// An HTML tag without template syntax.
    Tag(&'a str),
    /// An HTML tag with template syntax in it: `<a`, its attributes, `>`.
    TagWithTemplate {
        open: &'a str,
        attributes: &'a str,
        close: &'a str,
    },
    /// A whole script element.
    Script(&'a str),
    Comment,
}

/// Elements whose text is kept as it is.
const VERBATIM: &[&str] = &["pre", "textarea"];

/// Takes a template to pieces; nothing where a tag has no end.
pub fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, length) = next(rest)?;
        pieces.push(piece);
        rest = &rest[length..];
    }
    Some(pieces)
}

fn next(rest: &str) -> Option<(Piece<'_>, usize)> {
    if let Some(length) = template_tag(rest)? {
        return Some((Piece::Template(&rest[..length]), length));
    }
    if rest.starts_with("<!--") {
        return Some((Piece::Comment, rest.find("-->")? + "-->".len()));
    }
    if opens(rest, "script") || opens(rest, "style") {
        let close = if opens(rest, "script") { "</script>" } else { "</style>" };
        let length = rest.find(close)? + close.len();
        return Some((Piece::Script(&rest[..length]), length));
    }
    if is_tag(rest) {
        return html_tag(rest);
    }
    let length = rest.char_indices().skip(1).find(|(at, _)| starts_something(&rest[*at..]));
    let length = length.map_or(rest.len(), |(at, _)| at);
    Some((Piece::Text(&rest[..length]), length))
}

fn starts_something(rest: &str) -> bool {
    is_tag(rest)
        || rest.starts_with("<!--")
        || ["{{", "{%", "{#"].iter().any(|b| rest.starts_with(b))
}

fn is_tag(rest: &str) -> bool {
    let mut bytes = rest.bytes();
    bytes.next() == Some(b'<')
        && bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'/' || b == b'!')
}

fn opens(rest: &str, element: &str) -> bool {
    let name = rest.strip_prefix('<').and_then(|rest| rest.get(..element.len()));
    name.is_some_and(|name| name.eq_ignore_ascii_case(element))
        && rest[element.len() + 1..].starts_with([' ', '>', '\n', '\t'])
}

/// The length of a template tag at the start, if there is one; nothing at all if it has no end.
/// Quoted text inside it may hold anything.
#[expect(clippy::option_option, reason = "no tag, and a tag without end, are two things")]
fn template_tag(rest: &str) -> Option<Option<usize>> {
    let end = match rest.get(..2) {
        Some("{{") => "}}",
        Some("{%") => "%}",
        Some("{#") => return Some(Some(rest.find("#}")? + 2)),
        _ => return Some(None),
    };
    let mut quote = None;
    for (at, c) in rest.char_indices().skip(2) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, _) if rest[at..].starts_with(end) => return Some(Some(at + end.len())),
            _ => {}
        }
    }
    None
}

/// An HTML tag, up to the `>` that ends it: one outside quotes and template tags.
fn html_tag(rest: &str) -> Option<(Piece<'_>, usize)> {
    let name_end = rest[1..].find(|c: char| c.is_whitespace() || matches!(c, '>' | '{' | '"'))? + 1;
    let (mut at, mut quote, mut has_template) = (name_end, None, false);
    loop {
        if let Some(length) = template_tag(&rest[at..])? {
            has_template = true;
            at += length;
            continue;
        }
        let c = rest[at..].chars().next()?;
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '>') => break,
            _ => {}
        }
        at += c.len_utf8();
    }
    let end = at + 1;
    if !has_template {
        return Some((Piece::Tag(&rest[..end]), end));
    }
    if rest[name_end..].starts_with('{') {
        // `<h{{ level }}>`: what element it is, only the page will say.
        return Some((Piece::Template(&rest[..end]), end));
    }
    let close = if rest[..at].ends_with('/') { at - 1 } else { at };
    let attributes = rest[name_end..close].trim();
    Some((
        Piece::TagWithTemplate { open: &rest[..name_end], attributes, close: &rest[close..end] },
        end,
    ))
}

/// The order of elements and masks in HTML: what minifying must leave alone.
pub fn shape(html: &str) -> Vec<String> {
    let Some(pieces) = pieces(html) else { return vec!["unreadable".to_owned()] };
    let mut shape = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Tag(tag) => {
                let name = tag.split(|c: char| c.is_whitespace() || c == '>').next();
                shape.push(name.unwrap_or_default().trim_end_matches('/').to_ascii_lowercase());
                shape.extend(masks(tag));
            }
            Piece::Text(text) => shape.extend(masks(text)),
            _ => {}
        }
    }
    shape
}

fn masks(text: &str) -> impl Iterator<Item = String> {
    let starts = text.match_indices(super::mask::OPEN).map(|(at, mask)| at + mask.len());
    let attributes = text.match_indices(super::mask::ATTRIBUTES).map(|(at, mask)| at + mask.len());
    starts.chain(attributes).map(|at| text[at..].chars().take_while(char::is_ascii_digit).collect())
}

/// HTML with each run of white space as one character, but for where it counts.
pub fn folded(html: &str) -> String {
    let Some(pieces) = pieces(html) else { return html.to_owned() };
    let mut text = String::with_capacity(html.len());
    let mut verbatim = 0_usize;
    for piece in pieces {
        match piece {
            Piece::Text(part) if verbatim == 0 => fold_into(&mut text, part),
            Piece::Text(part) | Piece::Template(part) | Piece::Script(part) => text.push_str(part),
            Piece::Tag(tag) => {
                if VERBATIM.iter().any(|element| opens(tag, element)) {
                    verbatim += 1;
                } else if VERBATIM.iter().any(|element| tag.starts_with(&format!("</{element}"))) {
                    verbatim = verbatim.saturating_sub(1);
                }
                text.push_str(tag);
            }
            Piece::TagWithTemplate { open, attributes, close } => {
                text.push_str(open);
                text.push(' ');
                text.push_str(attributes);
                text.push_str(close);
            }
            Piece::Comment => {}
        }
    }
    text
}

/// Elements beside which white space shows nothing.
const BLOCKS: &[&str] = &[
    "html",
    "head",
    "body",
    "meta",
    "link",
    "title",
    "div",
    "p",
    "ul",
    "ol",
    "li",
    "dl",
    "dt",
    "dd",
    "section",
    "article",
    "aside",
    "header",
    "footer",
    "main",
    "nav",
    "address",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "pre",
    "blockquote",
    "figure",
    "figcaption",
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "td",
    "th",
    "form",
    "fieldset",
    "details",
    "summary",
    "!doctype",
];

fn is_block(tag: &str) -> bool {
    let name = tag.trim_start_matches(['<', '/']);
    let name = name.split(|c: char| c.is_whitespace() || matches!(c, '>' | '/')).next();
    name.is_some_and(|name| BLOCKS.iter().any(|block| name.eq_ignore_ascii_case(block)))
}

/// HTML without the white space beside block elements. The minifier removes it between elements,
/// but takes a mask for text and leaves it there.
pub fn tight(html: &str) -> String {
    let Some(pieces) = pieces(html) else { return html.to_owned() };
    let mut text = String::with_capacity(html.len());
    let mut verbatim = false;
    for (at, piece) in pieces.iter().enumerate() {
        let beside = |at: Option<usize>| matches!(at.and_then(|at| pieces.get(at)), Some(Piece::Tag(tag)) if is_block(tag));
        match piece {
            Piece::Text(part) if !verbatim => {
                let part = if beside(at.checked_sub(1)) { part.trim_start() } else { part };
                text.push_str(if beside(Some(at + 1)) { part.trim_end() } else { part });
            }
            Piece::Text(part) | Piece::Template(part) | Piece::Script(part) => text.push_str(part),
            Piece::Tag(tag) => {
                if VERBATIM.iter().any(|element| opens(tag, element)) {
                    verbatim = true;
                } else if tag.starts_with("</") {
                    verbatim &= !VERBATIM.iter().any(|element| tag[2..].starts_with(element));
                }
                text.push_str(tag);
            }
            // Masked HTML has neither.
            Piece::TagWithTemplate { .. } | Piece::Comment => {}
        }
    }
    text
}

/// Attributes with template syntax among them: white space between them folded, values kept.
pub fn folded_attributes(attributes: &str) -> String {
    let mut text = String::with_capacity(attributes.len());
    let (mut quote, mut rest) = (None, attributes);
    while let Some(c) = rest.chars().next() {
        if let Some(Some(length)) = template_tag(rest) {
            text.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        let length = c.len_utf8();
        if quote.is_none() && c.is_whitespace() {
            fold_into(&mut text, &rest[..length]);
        } else {
            text.push(c);
        }
        rest = &rest[length..];
    }
    text
}

fn fold_into(text: &mut String, part: &str) {
    for c in part.chars() {
        if !c.is_ascii_whitespace() {
            text.push(c);
        } else if !text.ends_with([' ', '\n']) {
            text.push(if c == '\n' { '\n' } else { ' ' });
        }
    }
}
