//! An image that pages may show: a file of the site or a copy of a remote one, known by its content.

use std::borrow::Cow;
use std::path::Path;

use super::header::{Header, Kind};
use crate::cache::{Cache, Key};
use crate::error::{Error, Result};
use crate::theme::StaticFile;
use image::metadata::Orientation;

#[derive(Debug)]
pub struct Source {
    /// What templates, rows and messages call it.
    pub name: String,
    /// The hash of its content.
    pub hash: [u8; 32],
    pub bytes: u64,
    /// Or what is wrong with it, as the rest of a sentence about it.
    pub header: std::result::Result<Header, String>,
    content: Content,
}

/// Where a source comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A file of the site.
    File(&'a Path),
    /// A file of the built-in theme.
    Theme,
    /// The URL it was downloaded from.
    Remote(&'a str),
}

#[derive(Debug)]
enum Content {
    File(StaticFile),
    Cached(Key),
}

impl Source {
    pub fn file(name: &str, file: &StaticFile, bytes: &[u8], max_pixels: u64) -> Self {
        let hash = *blake3::hash(bytes).as_bytes();
        Self::new(name, hash, bytes, max_pixels, Content::File(file.clone()))
    }

    /// A downloaded image, which the cache holds under the hash of its content.
    pub fn cached(name: &str, key: Key, bytes: &[u8], max_pixels: u64) -> Self {
        Self::new(name, key, bytes, max_pixels, Content::Cached(key))
    }

    fn new(name: &str, hash: Key, bytes: &[u8], max_pixels: u64, content: Content) -> Self {
        let header = Header::read(bytes, max_pixels);
        Self { name: name.to_owned(), hash, bytes: bytes.len() as u64, header, content }
    }

    /// The file's content, which must still be what names were made from.
    pub fn read<'a>(&'a self, cache: &Cache) -> std::result::Result<Cow<'a, [u8]>, String> {
        let bytes = match &self.content {
            Content::File(file) => {
                file.read().map_err(|error| format!("cannot be read: {error}"))?
            }
            Content::Cached(key) => {
                Cow::Owned(cache.get(key).ok_or("has gone from the cache; build again")?)
            }
        };
        if blake3::hash(&bytes) != blake3::Hash::from_bytes(self.hash) {
            return Err("changed while the site was being built; build again".to_owned());
        }
        Ok(bytes)
    }

    pub fn origin(&self) -> Origin<'_> {
        match &self.content {
            Content::File(StaticFile::Own(path)) => Origin::File(path),
            Content::File(StaticFile::BuiltIn(_)) => Origin::Theme,
            Content::Cached(_) => Origin::Remote(&self.name),
        }
    }

    /// The header, or the error for whoever wants to show the image.
    pub fn known(&self) -> Result<&Header> {
        self.header.as_ref().map_err(|reason| broken(&self.name, reason))
    }
}

impl Header {
    /// Shown as it is, because it is no picture made of pixels or one that cannot be decoded here.
    pub fn passes(&self) -> bool {
        matches!(self.kind, Kind::Svg | Kind::Avif) || (self.animated && self.kind == Kind::Png)
    }

    /// Whether the file itself may be shown once its metadata are gone: they may hold how it is
    /// turned.
    pub fn stands(&self) -> bool {
        self.orientation == Orientation::NoTransforms
    }

    /// Decoded pixels, for what is bounded by them.
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

pub fn broken(name: &str, reason: &str) -> Error {
    Error::content(format!("the image {name} {reason}")).help(
        "replace the file, or build with --allow-missing-images to show a placeholder instead",
    )
}
