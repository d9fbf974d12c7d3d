//! The words of a piece of HTML, for descriptions, excerpts and feeds.

use crate::render::markdown::entities::decode;
use crate::render::markdown::polish::is_block;
use crate::render::markdown::tags::{Piece, Tag, pieces};

/// Plain text of safe HTML: no tags, no entities, white space folded to single spaces. The marks
/// beside headings and the numbers of footnotes are left out.
pub fn plain_text(html: &str) -> String {
    plain_text_start(html, usize::MAX)
}

/// The same, given up once there are at least `enough` bytes: an excerpt needs no more.
pub fn plain_text_start(html: &str, enough: usize) -> String {
    let mut out = String::with_capacity(html.len().min(enough));
    let mut skipped = None;
    for piece in pieces(html) {
        if out.len() >= enough {
            break;
        }
        match (piece, skipped) {
            (Piece::Tag(tag), Some(name)) if tag.end && tag.name == name => skipped = None,
            (Piece::Tag(tag), None) if is_mark(&tag) => skipped = Some(tag.name),
            (Piece::Tag(tag), None) if is_block(tag.name) => push_folded(&mut out, " "),
            (Piece::Text(text), None) => push_folded(&mut out, &decode(text)),
            _ => {}
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn is_mark(tag: &Tag) -> bool {
    let class = tag.attribute("class").unwrap_or_default();
    !tag.end && matches!(class, "anchor" | "footnote-ref" | "footnote-back")
}

/// Appends text with each run of white space as one space, none at the very beginning.
fn push_folded(out: &mut String, text: &str) {
    for (nth, word) in text.split(char::is_whitespace).enumerate() {
        if nth > 0 && !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::{plain_text, plain_text_start};

    #[test]
    fn words_stay_and_nothing_else() {
        let html = "<h2 id=\"a\">A<a class=\"anchor\" href=\"#a\">#</a></h2><p>b &lt;c&gt; &amp; <em>d</em>e\n f\
                    <sup class=\"footnote-ref\"><a href=\"#fn:1\">1</a></sup>.<br>g</p><ul><li>h<li>i</ul>";
        assert_eq!(plain_text(html), "A b <c> & de f. g h i");
        assert_eq!(plain_text_start(html, 3), "A b <c> &");
    }
}
