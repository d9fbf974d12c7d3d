//! Images: whoever renders says where they are, and how large.

use std::sync::Arc;

use crate::render::markdown::MarkdownError;

/// Knows the images a text may show.
pub trait ImageResolver: Sync {
    /// What to put for the image written as `src`: its final address, or None to leave it as it
    /// is. An error says why there is no such image.
    fn resolve(&self, src: &str) -> Result<Option<ResolvedImage>, String>;
}

/// An image's final address, its size in CSS pixels where that is known, and what browsers may
/// choose from instead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResolvedImage {
    pub url: String,
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// As in the attribute of that name.
    pub srcset: String,
    pub sizes: String,
    /// Better formats: each with its media type and srcset.
    pub sources: Vec<(&'static str, String)>,
    /// A `data:` URL to show until the image has come.
    pub placeholder: Option<Arc<str>>,
    /// Not everything about it is known yet.
    pub pending: bool,
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
        Ok(None) => Ok(ResolvedImage {
            url: src.to_owned(),
            width: size[0],
            height: size[1],
            ..ResolvedImage::default()
        }),
        Err(reason) => Err(MarkdownError { src: src.to_owned(), reason }),
    }
}
