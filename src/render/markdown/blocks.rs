//! Headings, lists with tasks, and code in Markdown.

use std::fmt::Write as _;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, TagEnd};

use crate::render::highlight;
use crate::render::markdown::escape;
use crate::render::markdown::writer::Writer;
use crate::render::sanitize::is_language;

/// A heading being written: where it begins, and its words so far.
pub struct Heading {
    start: usize,
    pub words: String,
}

// Writing to a string cannot fail, so that the results of `write!` are dropped.
impl Writer<'_> {
    pub(super) fn begin_heading(&mut self) {
        self.heading = Some(Heading { start: self.out.len(), words: String::new() });
    }

    /// The page has a first-level heading of its own: one in a text is of the second level.
    pub(super) fn end_heading(&mut self, level: HeadingLevel) {
        let Some(heading) = self.heading.take() else { return };
        let level = (level as u8).max(2);
        let id = self.ids.give(&heading.words);
        self.out.insert_str(heading.start, &format!("<h{level} id=\"{id}\">"));
        let _ = write!(
            self.out,
            "<a class=\"anchor\" href=\"#{id}\" aria-label=\"Link to this section\">#</a></h{level}>"
        );
    }

    pub(super) fn list(&mut self, first: Option<u64>) {
        match first {
            None => self.out.push_str("<ul>"),
            Some(1) => self.out.push_str("<ol>"),
            Some(first) => {
                let _ = write!(self.out, "<ol start=\"{first}\">");
            }
        }
    }

    /// A task's box, on a list item that says it has one.
    pub(super) fn task(&mut self, done: bool) {
        const CLASS: &str = " class=\"task\"";
        for open in ["<li>", "<li><p>"] {
            if self.out.ends_with(open) {
                self.out.insert_str(self.out.len() - open.len() + "<li".len(), CLASS);
                if let Some(heading) = &mut self.heading {
                    heading.start += CLASS.len();
                }
            }
        }
        let (state, label) = if done { (" checked", "Done") } else { ("", "To do") };
        let _ =
            write!(self.out, "<input type=\"checkbox\" disabled{state} aria-label=\"{label}\"> ");
    }

    pub(super) fn code_block(&mut self, kind: &CodeBlockKind) {
        let mut code = String::new();
        for event in self.events.by_ref() {
            match event {
                Event::Text(text) => code.push_str(&text),
                Event::End(TagEnd::CodeBlock) => break,
                _ => {}
            }
        }
        let code = code.strip_suffix('\n').unwrap_or(&code);
        let language = if let CodeBlockKind::Fenced(info) = kind { language(info) } else { "" };
        self.out.push_str("<pre class=\"code\" tabindex=\"0\"><code");
        self.code(language, code);
        self.out.push_str("</code></pre>");
    }

    fn code(&mut self, language: &str, code: &str) {
        if is_language(language) {
            self.out.push_str(" class=\"language-");
            self.out.push_str(highlight::canonical(language).unwrap_or(language));
            self.out.push('"');
        }
        self.out.push('>');
        let done = self.highlighter.is_some_and(|h| h.write(&mut self.out, language, code));
        if !done {
            escape::text(&mut self.out, code);
        }
    }
}

/// The first word of a fence's information: `rust` in `rust,ignore` and in `rust {1,2}`.
fn language(info: &str) -> &str {
    info.trim_start_matches(['{', '.']).split([' ', '\t', ',', '{', '}', ':']).next().unwrap_or("")
}
