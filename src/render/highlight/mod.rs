//! Colours code at build time: source text in, escaped HTML with `hl-…` classes out.

mod captures;
mod languages;
mod limits;
mod spans;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use tree_sitter_highlight::{HighlightConfiguration, HighlightEvent};

use languages::LANGUAGES;
use spans::Spans;

/// Every language's grammar and queries, compiled when first used (up to 20 ms), then only read.
pub struct Highlighter {
    configurations: [OnceLock<Option<HighlightConfiguration>>; LANGUAGES.len()],
}

impl Highlighter {
    pub fn new() -> Self {
        Self { configurations: [const { OnceLock::new() }; LANGUAGES.len()] }
    }

    /// Appends `code` to `out` as HTML for the inside of a `<code>` element. False, and nothing
    /// appended, if the language is unknown or the code cannot be parsed.
    pub fn write(&self, out: &mut String, language: &str, code: &str) -> bool {
        let Some(configuration) = self.configuration(language) else { return false };
        if !limits::allow(code) {
            return false;
        }
        let start = out.len();
        // Grammars are foreign code: none of their faults may stop a build.
        let done = catch_unwind(AssertUnwindSafe(|| self.colour(out, configuration, code)));
        let complete = matches!(done, Ok(Some(())));
        if !complete {
            out.truncate(start);
        }
        complete
    }

    fn colour(&self, out: &mut String, main: &HighlightConfiguration, code: &str) -> Option<()> {
        // A new one each time costs 2 µs; one kept per thread would be one more thing to get wrong.
        let mut engine = tree_sitter_highlight::Highlighter::new();
        let mut spans = Spans::new(out);
        let injected = |name: &str| self.configuration(name);
        for event in engine.highlight(main, code.as_bytes(), None, None, injected).ok()? {
            match event.ok()? {
                HighlightEvent::HighlightStart(capture) => spans.start(captures::class(capture)),
                HighlightEvent::HighlightEnd => spans.end(),
                HighlightEvent::Source { start, end } => spans.text(code.get(start..end)?),
            }
        }
        spans.finish();
        Some(())
    }

    fn configuration(&self, name: &str) -> Option<&HighlightConfiguration> {
        let index = languages::index(name)?;
        self.configurations[index].get_or_init(|| languages::configure(index).ok()).as_ref()
    }
}

impl Default for Highlighter {
    fn default() -> Self {
        Self::new()
    }
}

/// The name a language goes by here, for any of its usual names (`javascript` for `js`).
pub fn canonical(name: &str) -> Option<&'static str> {
    languages::index(name).map(|index| LANGUAGES[index].name)
}
