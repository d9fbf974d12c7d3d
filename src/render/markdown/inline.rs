//! Links and images in Markdown.

use pulldown_cmark::{Event, LinkType};

use crate::render::markdown::writer::{Stop, Writer};
use crate::render::markdown::{ResolvedImage, escape, images};
use crate::render::picture::{self, Attributes};
use crate::render::sanitize::is_safe_url;

impl Writer<'_> {
    /// HTML has no links within links: the outermost is the one that leads somewhere.
    pub(super) fn begin_link(&mut self, link_type: LinkType, target: &str, title: &str) {
        self.links += 1;
        if self.links > 1 {
            return;
        }
        self.out.push_str("<a");
        let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
        if !scheme.is_empty() || is_safe_url(target) {
            self.out.push_str(" href=\"");
            self.out.push_str(scheme);
            escape::url(&mut self.out, target);
            self.out.push('"');
            if leads_away(target) {
                self.out.push_str(" rel=\"noopener\"");
            }
        }
        if !title.is_empty() {
            self.out.push_str(" title=\"");
            escape::attribute(&mut self.out, title);
            self.out.push('"');
        }
        self.out.push('>');
    }

    pub(super) fn end_link(&mut self) {
        self.links = self.links.saturating_sub(1);
        if self.links == 0 {
            self.out.push_str("</a>");
        }
    }

    /// An image, or its description alone if it would come from where no image may come from.
    pub(super) fn image(&mut self, src: &str, title: &str) -> Result<(), Stop> {
        let alt = self.description();
        if !is_safe_url(src) {
            escape::text(&mut self.out, &alt);
            return Ok(());
        }
        let image = match self.images {
            Some(images) => images::resolve(images, src, [None; 2]).map_err(Stop::Image)?,
            None => ResolvedImage { url: src.to_owned(), ..ResolvedImage::default() },
        };
        let attributes = Attributes { alt: &alt, title, ..Attributes::default() };
        picture::write(&mut self.out, &image, &attributes);
        Ok(())
    }

    /// Reads up to the image's end: the words of its description, without what marks them up.
    fn description(&mut self) -> String {
        let mut words = String::new();
        let mut depth = 0;
        for event in self.events.by_ref() {
            match event {
                Event::Start(_) => depth += 1,
                Event::End(_) if depth == 0 => break,
                Event::End(_) => depth -= 1,
                Event::Text(text) | Event::Code(text) => words.push_str(&text),
                Event::SoftBreak | Event::HardBreak => words.push(' '),
                _ => {}
            }
        }
        words
    }
}

/// True for addresses with a host: pages that might be anyone's.
pub fn leads_away(url: &str) -> bool {
    let starts = |with: &str| url.get(..with.len()).is_some_and(|s| s.eq_ignore_ascii_case(with));
    starts("https:") || starts("http:") || starts("//")
}
