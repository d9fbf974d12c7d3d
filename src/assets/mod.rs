//! Assets: every derived file's name and size, known before any page is rendered. Names carry a
//! hash of the content, so hosts may tell browsers to keep them for ever.

mod css;
mod dimensions;
pub mod images;
mod plan;
pub mod remote;
pub mod storage;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub use dimensions::is_image;
use images::{Images, Picture, Place, Source};
pub use plan::{check_images, plan, replan};

use crate::error::{Error, Result, nearest};
use crate::theme::StaticFile;

/// Where fingerprinted files are published.
pub const FOLDER: &str = "/_assets/";

/// What templates may refer to, by the name they use for it.
#[derive(Debug, Clone)]
pub struct Manifest {
    assets: BTreeMap<String, Asset>,
    /// The inline icons: SVG text by name.
    icons: BTreeMap<String, String>,
    /// The style sheets as they are written.
    sheets: css::Sources,
    /// The URLs of files that are published on demand.
    on_demand: HashSet<String>,
    /// Hashes of the files that are published as they are, by their URLs.
    plain: BTreeMap<String, blake3::Hash>,
    pub images: Arc<Images>,
}

/// One file to publish.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its path on the site.
    pub url: String,
    /// Published only where a page shows it: a picture of a row nobody may see stays unseen too.
    pub on_demand: bool,
    pub(crate) bytes: Bytes,
}

/// An asset's content: kept where it is until it is written, unless it was made here.
#[derive(Debug, Clone)]
pub(crate) enum Bytes {
    File(StaticFile),
    Made(Vec<u8>),
}

impl Asset {
    /// Whether its name, where that tells of a content, tells of this one.
    pub fn is_named_by(&self, content: &[u8]) -> bool {
        let hash = self.url.strip_prefix(FOLDER).and_then(|name| name.rsplit('.').nth(1));
        hash.is_none_or(|hash| blake3::hash(content).to_hex()[..16] == *hash)
    }

    pub fn bytes(&self) -> Result<Cow<'_, [u8]>> {
        match &self.bytes {
            Bytes::File(file) => file.read(),
            Bytes::Made(bytes) => Ok(Cow::Borrowed(bytes)),
        }
    }
}

impl Manifest {
    /// The asset a template names, or an error that says which are near.
    pub fn asset(&self, name: &str) -> Result<&Asset> {
        let key = name.trim_start_matches('/');
        self.assets.get(key).ok_or_else(|| self.missing("asset", name))
    }

    /// The image a template, row or section names: a file of the site, or a URL that was fetched.
    pub fn image(&self, src: &str) -> Result<&Source> {
        self.images.source(src).ok_or_else(|| match url::Url::parse(src) {
            Ok(url) if url.has_host() => unfetched(src, &url),
            _ => self.missing("image", src),
        })
    }

    /// The image as a place on a page shows it. One that cannot be shown is an error, or an empty
    /// picture where that is allowed.
    pub fn picture(&self, src: &str, place: &Place<'_>) -> Result<Picture> {
        let picture = self.image(src).and_then(|source| self.images.picture(source, place));
        self.or_placeholder(src, picture)
    }

    /// The URL of the image as a card on another site shows it.
    pub fn card(&self, src: &str, width: u32) -> Result<Option<String>> {
        let card = self.image(src).and_then(|source| self.images.card(source, width));
        self.or_placeholder(src, card.map(Some))
    }

    /// Whether an image can be shown, as far as is known.
    pub fn check(&self, src: &str) -> Result<()> {
        self.image(src).and_then(|source| self.images.check(source))
    }

    fn or_placeholder<T: Default>(&self, src: &str, found: Result<T>) -> Result<T> {
        match found {
            Err(error) if self.images.settings().allow_missing => {
                self.images.mark_missing(src, &error);
                Ok(T::default())
            }
            found => found,
        }
    }

    /// An icon's SVG, by its file name without the ending.
    pub fn icon(&self, name: &str) -> Option<&str> {
        self.icons.get(name).map(String::as_str)
    }

    pub fn unknown_icon(&self, name: &str) -> Error {
        let known: Vec<_> = self.icons.keys().map(String::as_str).collect();
        Error::template(format!("there is no icon \"{name}\"")).help(format!(
            "put {name}.svg into static/_assets/icons, or use one of: {}",
            known.join(", ")
        ))
    }

    fn missing(&self, what: &str, name: &str) -> Error {
        let near = nearest(name, self.assets.keys().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"? "));
        Error::template(format!("there is no {what} \"{name}\"")).help(format!(
            "{near}{what}s are files in content/ and static/, named by their path below it (below static/_assets/ for fingerprinted ones)"
        ))
    }

    /// The URLs of on-demand files and image variants that a page refers to, found in its finished
    /// HTML.
    pub fn referred_by(&self, html: &[u8]) -> Vec<String> {
        let mut found: Vec<String> = memchr::memmem::find_iter(html, FOLDER.as_bytes())
            .filter_map(|start| {
                let rest = &html[start..];
                let end = rest.iter().position(|byte| b"\"' <>()[]{},;&\\\n\r\t".contains(byte));
                std::str::from_utf8(&rest[..end.unwrap_or(rest.len())]).ok()
            })
            .filter(|url| self.on_demand.contains(*url) || self.images.is_variant(url))
            .map(str::to_owned)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The file that is published at a path, if there is one.
    pub fn at(&self, url: &str) -> Option<&Asset> {
        self.assets.values().find(|asset| asset.url == url)
    }

    /// Every file that templates may name, with the name.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Asset)> {
        self.assets.iter().map(|(name, asset)| (name.as_str(), asset))
    }

    /// Every file that may be published.
    pub fn files(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values()
    }

    /// A hash over all names: pages depend on it as a whole.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.names(&self.images.fingerprint()).finalize().into()
    }

    /// A hash over all that the site is made from: also files whose name says nothing of their content,
    /// on which no page depends.
    pub fn site_fingerprint(&self) -> [u8; 32] {
        let mut hasher = self.names(&self.images.own_fingerprint());
        for (url, hash) in &self.plain {
            hasher.update(url.as_bytes()).update(b"\0").update(hash.as_bytes());
        }
        hasher.finalize().into()
    }

    fn names(&self, images: &[u8; 32]) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new();
        for (name, asset) in &self.assets {
            hasher.update(name.as_bytes()).update(b"\0").update(asset.url.as_bytes());
        }
        for (name, svg) in &self.icons {
            hasher.update(name.as_bytes()).update(b"\0").update(svg.as_bytes());
        }
        hasher.update(images);
        hasher
    }
}

fn unfetched(src: &str, url: &url::Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::content(format!("the image {src} was not downloaded")).help(format!(
        "if it is in a column, name the column in the collection's images; its host {host} must be in [images] hosts in frieze.toml, unless it is the project's own storage"
    ))
}
