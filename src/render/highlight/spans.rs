//! Writes coloured text as few and flat `<span>`s: one for neighbours of the same class, with the
//! white space between them inside, and none within another.

use crate::render::markdown::escape;

pub struct Spans<'a> {
    out: &'a mut String,
    /// The classes of the highlights around the current text, innermost last.
    around: Vec<&'static str>,
    /// The class of the span being written; empty if none is open.
    open: &'static str,
    /// White space not yet known to lie inside or after the open span.
    gap: String,
}

impl<'a> Spans<'a> {
    pub fn new(out: &'a mut String) -> Self {
        Self { out, around: Vec::new(), open: "", gap: String::new() }
    }

    pub fn start(&mut self, class: &'static str) {
        self.around.push(class);
    }

    pub fn end(&mut self) {
        self.around.pop();
    }

    pub fn text(&mut self, text: &str) {
        let word = text.trim_start_matches([' ', '\n', '\t']);
        self.gap.push_str(&text[..text.len() - word.len()]);
        let trimmed = word.trim_end_matches([' ', '\n', '\t']);
        if !trimmed.is_empty() {
            self.turn_to(self.around.last().copied().unwrap_or_default());
            escape::text(self.out, trimmed);
        }
        self.gap.push_str(&word[trimmed.len()..]);
    }

    pub fn finish(mut self) {
        self.turn_to("");
    }

    /// Makes `class` the open span, with the gap before, inside or after it as is shortest.
    fn turn_to(&mut self, class: &'static str) {
        if class == self.open {
            self.out.push_str(&self.gap);
        } else {
            if !self.open.is_empty() {
                self.out.push_str("</span>");
            }
            self.out.push_str(&self.gap);
            if !class.is_empty() {
                self.out.push_str("<span class=\"hl-");
                self.out.push_str(class);
                self.out.push_str("\">");
            }
            self.open = class;
        }
        self.gap.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_one_class_share_a_span_and_nested_ones_split_it() {
        let mut out = String::new();
        let mut spans = Spans::new(&mut out);
        let mut write = |class, text| {
            spans.start(class);
            spans.text(text);
            spans.end();
        };
        write("keyword", "pub");
        write("", " ");
        write("keyword", "fn");
        write("", " a");
        write("string", " \"<\n");
        spans.start("string");
        spans.start("number");
        spans.text("1");
        spans.end();
        spans.text("\"\n");
        spans.end();
        spans.finish();
        assert_eq!(
            out,
            "<span class=\"hl-keyword\">pub fn</span> a <span class=\"hl-string\">\"&lt;</span>\n\
             <span class=\"hl-number\">1</span><span class=\"hl-string\">\"</span>\n"
        );
    }
}
