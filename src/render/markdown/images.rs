//! Images: whoever renders says where they are, and how large.

use std::fmt::Write as _;

use crate::render::markdown::{MarkdownError, escape};

/// Knows the images a text may show.
pub trait ImageResolver: Sync {
    /// What to put for the image written as `src`: its final address, or None to leave it as it
    /// is. An error says why there is no such image.
    fn resolve(&self, src: &str) -> Result<Option<ResolvedImage>, String>;
}

/// An image's final address, and its size in CSS pixels where that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedImage {
    pub url: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

/// Leaves every image as it is.
pub struct NoImages;

impl ImageResolver for NoImages {
    fn resolve(&self, _src: &str) -> Result<Option<ResolvedImage>, String> {
        Ok(None)
    }
}

/// Asks the resolver; an image it does not know keeps its address and the size written with it.
pub fn resolve(
    images: &dyn ImageResolver,
    src: &str,
    size: [Option<u32>; 2],
) -> Result<ResolvedImage, MarkdownError> {
    match images.resolve(src) {
        Ok(Some(image)) => Ok(image),
        Ok(None) => Ok(ResolvedImage { url: src.to_owned(), width: size[0], height: size[1] }),
        Err(reason) => Err(MarkdownError { src: src.to_owned(), reason }),
    }
}

/// Appends an `<img>` that loads when it comes near, and that keeps its place until then.
pub fn write(out: &mut String, image: &ResolvedImage, alt: &str, title: &str) {
    out.push_str("<img src=\"");
    escape::url(out, &image.url);
    out.push_str("\" alt=\"");
    escape::attribute(out, alt);
    out.push('"');
    if !title.is_empty() {
        out.push_str(" title=\"");
        escape::attribute(out, title);
        out.push('"');
    }
    for (name, pixels) in [("width", image.width), ("height", image.height)] {
        if let Some(pixels) = pixels {
            // Writing to a string cannot fail.
            let _ = write!(out, " {name}=\"{pixels}\"");
        }
    }
    out.push_str(" loading=\"lazy\" decoding=\"async\">");
}
