//! Turns what people write, Markdown or HTML, into compact HTML that is safe to put into a page.
//!
//! Markdown without raw HTML in it is safe by the way it is written, and only link targets are
//! checked. Everything else goes through the sanitiser, which takes ten times as long.

mod blocks;
mod entities;
pub mod escape;
mod footnotes;
mod ids;
mod images;
mod inline;
mod plain;
mod polish;
mod tables;
mod tags;
#[cfg(test)]
mod tests;
mod writer;

pub use images::{ImageResolver, NoImages, ResolvedImage};
pub use plain::{plain_text, plain_text_start};

use crate::error::Error;
use crate::render::highlight::Highlighter;
use crate::render::sanitize::Sanitizer;
use writer::{Stop, Writer};

/// The whole of it, built once; every method may be called from any thread at any time.
pub struct Markdown {
    sanitizer: Sanitizer,
    highlighter: Option<Highlighter>,
}

/// An image the resolver refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("image `{src}`: {reason}")]
pub struct MarkdownError {
    /// As it is written in the source.
    pub src: String,
    /// What the resolver said.
    pub reason: String,
}

impl From<MarkdownError> for Error {
    fn from(error: MarkdownError) -> Self {
        Self::content(error.to_string())
    }
}

impl Markdown {
    /// Without `highlight`, code keeps its language's class and gets no other.
    pub fn new(highlight: bool) -> Self {
        Self { sanitizer: Sanitizer::new(), highlighter: highlight.then(Highlighter::new) }
    }

    /// Markdown, with or without raw HTML in it, to safe HTML.
    pub fn render(
        &self,
        source: &str,
        images: &dyn ImageResolver,
    ) -> Result<String, MarkdownError> {
        self.render_scoped(source, images, "")
    }

    /// Like [`render`](Self::render), for one of several texts on a page: the ids of headings and
    /// footnotes begin with `scope` and a hyphen, so that no two texts share one.
    pub fn render_scoped(
        &self,
        source: &str,
        images: &dyn ImageResolver,
        scope: &str,
    ) -> Result<String, MarkdownError> {
        let highlighter = self.highlighter.as_ref();
        match Writer::new(source, scope, highlighter, Some(images)).write() {
            Ok(html) => return Ok(escape::without_controls(html)),
            Err(Stop::Image(error)) => return Err(error),
            Err(Stop::RawHtml) => {}
        }
        let html = Writer::new(source, scope, highlighter, None).write().unwrap_or_default();
        self.sanitize(&html, images)
    }

    /// HTML from anywhere to safe HTML.
    pub fn sanitize(
        &self,
        html: &str,
        images: &dyn ImageResolver,
    ) -> Result<String, MarkdownError> {
        if !html.contains(['<', '>', '&']) {
            return Ok(escape::without_controls(html.to_owned()));
        }
        polish::polish(&self.sanitizer.clean(html), images).map(escape::without_controls)
    }
}
