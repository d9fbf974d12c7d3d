//! An image as a page shows it: candidates to choose from, its size, and what stands in for it
//! while it loads.

use std::sync::Arc;

use super::header::Header;
use super::source::{Source, broken};
use super::variant::What;
use super::{Images, Outcome};
use crate::config::{Format, Quality};
use crate::error::Result;

/// What a place on a page needs.
#[derive(Debug, Clone, Default)]
pub struct Place<'a> {
    /// Widths in pixels, if not the site's own.
    pub widths: Option<&'a [u32]>,
    pub quality: Option<Quality>,
}

/// One format's candidates, narrowest first: each URL with its width in pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidates {
    pub format: Option<Format>,
    pub urls: Vec<(String, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Picture {
    /// The best format first; the last is for every browser.
    pub formats: Vec<Candidates>,
    /// In pixels; none for an image that is missing.
    pub size: Option<(u32, u32)>,
    /// A `data:` URL.
    pub placeholder: Option<Arc<str>>,
    /// Something about it is not known yet: the page has to be rendered again.
    pub pending: bool,
}

/// What `src` is best taken from where browsers choose for themselves.
const FALLBACK_WIDTH: u32 = 1200;

impl Picture {
    /// The candidate for browsers that do not choose.
    pub fn src(&self) -> &str {
        let urls = self.formats.last().map(|candidates| candidates.urls.as_slice());
        let urls = urls.unwrap_or_default();
        let fitting = urls.iter().rev().find(|(_, width)| *width <= FALLBACK_WIDTH);
        fitting.or(urls.first()).map_or("", |(url, _)| url)
    }
}

impl Images {
    /// The picture of a source in a place.
    pub fn picture(&self, source: &Source, place: &Place<'_>) -> Result<Picture> {
        let header = self.showable(source)?;
        let size = Some((header.width, header.height));
        if header.passes() {
            let url = self.name(source, What::Original).0;
            let pending = self.outcome(&What::Original.key(&source.hash)).is_none();
            let formats = vec![Candidates { format: None, urls: vec![(url, header.width)] }];
            return Ok(Picture { formats, size, placeholder: None, pending });
        }
        let quality = place.quality.unwrap_or_else(|| self.quality(source));
        let widths = widths(header.width, place.widths.unwrap_or(&self.settings.widths));
        let mut pending = false;
        let mut formats: Vec<Candidates> = Vec::new();
        for format in self.formats(header) {
            let urls = self.candidates(source, header, &widths, format, quality, &mut pending);
            formats.push(Candidates { format: Some(format), urls });
        }
        // A format that lost all its widths is not offered.
        formats.retain(|candidates| !candidates.urls.is_empty());
        let placeholder = self.placeholder(source);
        pending |= placeholder.is_none();
        let placeholder = placeholder.filter(|url| !url.is_empty());
        Ok(Picture { formats, size, placeholder, pending })
    }

    /// One file for other sites to show: a card's picture, JPEG or PNG.
    pub fn card(&self, source: &Source, width: u32) -> Result<String> {
        let header = self.showable(source)?;
        let width = width.min(header.width);
        let what = if header.passes() { What::Original } else { What::Card { width } };
        Ok(self.name(source, what).0)
    }

    /// Fails for a source that is known to be broken.
    pub fn check(&self, source: &Source) -> Result<()> {
        self.showable(source).map(drop)
    }

    fn showable<'a>(&self, source: &'a Source) -> Result<&'a Header> {
        if let Some(reason) = self.reason(&source.name) {
            return Err(broken(&source.name, &reason));
        }
        source.known()
    }

    fn quality(&self, source: &Source) -> Quality {
        let own = self.qualities.get().and_then(|qualities| qualities.get(&source.name));
        own.map_or(self.settings.quality, |quality| Quality::Fixed(*quality))
    }

    /// Only WebP moves.
    fn formats(&self, header: &Header) -> Vec<Format> {
        if header.animated { vec![Format::Webp] } else { self.settings.formats.clone() }
    }

    fn candidates(
        &self,
        source: &Source,
        header: &Header,
        widths: &[u32],
        format: Format,
        quality: Quality,
        pending: &mut bool,
    ) -> Vec<(String, u32)> {
        let mut dropped = false;
        let mut urls = Vec::new();
        for width in widths {
            let (url, key) = self.name(source, What::Scaled { format, width: *width, quality });
            let outcome = self.outcome(&key);
            *pending |= outcome.is_none();
            if outcome == Some(Outcome::Dropped) {
                dropped = true;
            } else {
                urls.push((url, *width));
            }
        }
        if dropped {
            // The source is smaller than what was made of it, and at least as wide.
            urls.retain(|(_, width)| *width != header.width);
            urls.push((self.name(source, What::Original).0, header.width));
        }
        urls
    }
}

/// The wanted widths that do not exceed the source, and the source's own in place of those that do.
fn widths(source: u32, wanted: &[u32]) -> Vec<u32> {
    let mut widths: Vec<u32> = wanted.iter().map(|width| (*width).min(source).max(1)).collect();
    widths.sort_unstable();
    widths.dedup();
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_never_exceed_the_source() {
        assert_eq!(widths(2400, &[480, 960]), [480, 960]);
        assert_eq!(widths(700, &[480, 960, 1600]), [480, 700]);
        assert_eq!(widths(90, &[480, 960]), [90]);
    }
}
