//! What is left to do once HTML is safe: our images, our headings, no duplicate ids, no white
//! space between blocks.

use std::collections::HashSet;

use crate::render::markdown::entities::decode;
use crate::render::markdown::inline::leads_away;
use crate::render::markdown::tags::{Piece, Tag, pieces};
use crate::render::markdown::{ImageResolver, MarkdownError, escape, ids, images, tables};
use crate::render::picture::{self, Attributes};

const BLOCKS: &[&str] = &[
    "blockquote",
    "br",
    "caption",
    "col",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "p",
    "pre",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// True for elements whose edges swallow white space.
pub fn is_block(name: &str) -> bool {
    BLOCKS.binary_search(&name).is_ok()
}

/// Takes HTML as the sanitiser writes it.
pub fn polish(html: &str, images: &dyn ImageResolver) -> Result<String, MarkdownError> {
    let mut polisher = Polisher {
        out: String::with_capacity(html.len() + html.len() / 8),
        images,
        ids: HashSet::new(),
        preformatted: 0,
        boxed: Vec::new(),
        in_box: false,
    };
    let mut pieces = pieces(html).peekable();
    let mut at_edge = true;
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => {
                let ends_at_edge = pieces.peek().is_none_or(is_edge);
                polisher.text(text, at_edge, ends_at_edge);
            }
            Piece::Tag(tag) => polisher.tag(&tag)?,
        }
        at_edge = is_edge(&piece);
    }
    Ok(polisher.out)
}

fn is_edge(piece: &Piece) -> bool {
    matches!(piece, Piece::Tag(tag) if is_block(tag.name))
}

struct Polisher<'a> {
    out: String,
    images: &'a dyn ImageResolver,
    ids: HashSet<&'a str>,
    /// How many `pre` elements this is in.
    preformatted: usize,
    /// For each open table, whether it got its box here.
    boxed: Vec<bool>,
    /// Whether the last tag was a table's box.
    in_box: bool,
}

impl<'a> Polisher<'a> {
    fn text(&mut self, text: &str, starts_at_edge: bool, ends_at_edge: bool) {
        const SPACE: [char; 5] = [' ', '\n', '\t', '\r', '\x0c'];
        let mut text = text;
        if self.preformatted == 0 {
            text = if starts_at_edge { text.trim_start_matches(SPACE) } else { text };
            text = if ends_at_edge { text.trim_end_matches(SPACE) } else { text };
        }
        self.out.push_str(text);
    }

    fn tag(&mut self, tag: &Tag<'a>) -> Result<(), MarkdownError> {
        let in_box = std::mem::take(&mut self.in_box);
        match (tag.name, tag.end) {
            ("img", _) => return self.image(tag),
            ("table", false) => self.begin_table(in_box),
            ("table", true) => self.end_table(),
            // The page has its own first-level heading.
            ("h1", false) => self.open("h2", tag, ""),
            ("h1", true) => self.out.push_str("</h2>"),
            ("pre", false) => self.begin_preformatted(tag),
            ("pre", true) => self.end_preformatted(),
            // Only ours say what they mean.
            ("input", _) if tag.attribute("aria-label").is_none() => {}
            ("a", false) => self.link(tag),
            ("div", false) => {
                self.in_box = tag.attribute("class") == Some("table");
                self.out.push_str(tag.raw);
            }
            (name, false) if tag.attribute("id").is_some() => self.open(name, tag, ""),
            _ => self.out.push_str(tag.raw),
        }
        Ok(())
    }

    /// Writes a start tag under a name of our choice, with `extra` after its attributes.
    fn open(&mut self, name: &str, tag: &Tag<'a>, extra: &str) {
        self.out.push('<');
        self.out.push_str(name);
        for (key, value) in tag.attributes() {
            if key != "id" || (ids::is_harmless(value) && self.ids.insert(value)) {
                self.out.push(' ');
                self.out.push_str(key);
                self.out.push_str("=\"");
                match key {
                    "href" => escape::url(&mut self.out, &decode(value)),
                    _ => self.out.push_str(value),
                }
                self.out.push('"');
            }
        }
        self.out.push_str(extra);
        self.out.push('>');
    }

    fn link(&mut self, tag: &Tag<'a>) {
        let away = tag.attribute("href").is_some_and(|href| leads_away(&decode(href)));
        self.open("a", tag, if away { " rel=\"noopener\"" } else { "" });
    }

    fn image(&mut self, tag: &Tag) -> Result<(), MarkdownError> {
        let value = |name| decode(tag.attribute(name).unwrap_or_default());
        if tag.attribute("src").is_none() {
            escape::text(&mut self.out, &value("alt"));
            return Ok(());
        }
        let size = ["width", "height"].map(|name| value(name).parse().ok());
        let image = images::resolve(self.images, &value("src"), size)?;
        let (alt, title) = (value("alt"), value("title"));
        let attributes = Attributes { alt: &alt, title: &title, ..Attributes::default() };
        picture::write(&mut self.out, &image, &attributes);
        Ok(())
    }

    fn begin_table(&mut self, in_box: bool) {
        self.boxed.push(!in_box);
        self.out.push_str(if in_box { "<table>" } else { tables::OPEN });
    }

    fn end_table(&mut self) {
        let boxed = self.boxed.pop().unwrap_or_default();
        self.out.push_str(if boxed { tables::CLOSE } else { "</table>" });
    }

    fn begin_preformatted(&mut self, tag: &Tag<'a>) {
        self.preformatted += 1;
        let focusable = tag.attribute("tabindex").is_some();
        self.open("pre", tag, if focusable { "" } else { " tabindex=\"0\"" });
    }

    fn end_preformatted(&mut self) {
        self.preformatted = self.preformatted.saturating_sub(1);
        self.out.push_str("</pre>");
    }
}
