//! Assets: every derived file's name and size, known before any page is rendered. Names carry a
//! hash of the content, so hosts may tell browsers to keep them for ever.

mod css;
mod dimensions;
mod plan;
pub mod remote;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

pub use plan::{check_images, plan};

use crate::error::{Error, Result, nearest};
use crate::theme::StaticFile;

/// Where fingerprinted files are published.
pub const FOLDER: &str = "/_assets/";

/// What templates may refer to, by the name they use for it.
#[derive(Debug, Default)]
pub struct Manifest {
    assets: BTreeMap<String, Asset>,
    /// The inline icons: SVG text by name.
    icons: BTreeMap<String, String>,
    /// The URLs of files that are published on demand.
    on_demand: HashSet<String>,
    /// Hosts that images may be loaded from without being copied.
    image_hosts: Vec<String>,
}

/// One file to publish.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Its path on the site.
    pub url: String,
    /// In pixels, of images whose size is known.
    pub size: Option<(u32, u32)>,
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

/// An image as a page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub url: String,
    pub size: Option<(u32, u32)>,
}

impl Asset {
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

    /// The image a template, row or section names: a file of the site, or a URL on an allowed host.
    pub fn image(&self, src: &str) -> Result<Image> {
        if src.starts_with("http://") || src.starts_with("https://") {
            return self.remote(src);
        }
        let asset = self.asset(src).map_err(|_| self.missing("image", src))?;
        Ok(Image { url: asset.url.clone(), size: asset.size })
    }

    fn remote(&self, src: &str) -> Result<Image> {
        let host = url::Url::parse(src).ok().and_then(|url| url.host_str().map(str::to_owned));
        if host.is_some_and(|host| self.image_hosts.contains(&host)) {
            return Ok(Image { url: src.to_owned(), size: None });
        }
        Err(Error::content(format!("the image {src} is on a host that is not allowed"))
            .help("add the host to [images] hosts in frieze.toml, or put the file in content/"))
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

    pub fn image_hosts(&self) -> &[String] {
        &self.image_hosts
    }

    /// The on-demand files that a page refers to, found in its finished HTML.
    pub fn referred_by(&self, html: &[u8]) -> Vec<String> {
        let mut found: Vec<String> = memchr::memmem::find_iter(html, FOLDER.as_bytes())
            .filter_map(|start| {
                let rest = &html[start..];
                let end = rest.iter().position(|byte| b"\"' >),&\\".contains(byte));
                std::str::from_utf8(&rest[..end.unwrap_or(rest.len())]).ok()
            })
            .filter(|url| self.on_demand.contains(*url))
            .map(str::to_owned)
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Every file that may be published.
    pub fn files(&self) -> impl Iterator<Item = &Asset> {
        self.assets.values()
    }

    /// A hash over all names: pages depend on it as a whole.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for (name, asset) in &self.assets {
            hasher.update(name.as_bytes()).update(b"\0").update(asset.url.as_bytes());
            hasher.update(format!("{:?}\0", asset.size).as_bytes());
        }
        for (name, svg) in &self.icons {
            hasher.update(name.as_bytes()).update(b"\0").update(svg.as_bytes());
        }
        hasher.finalize().into()
    }
}
