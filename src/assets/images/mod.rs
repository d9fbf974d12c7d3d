//! Images: what pages may show, the variants they ask for, and what has become of those.
//!
//! Rendering asks for a [`Picture`] and gets names at once: they follow from the source's content and
//! the parameters. Whether a variant is in the cache, or was dropped because it came out larger than
//! its source, is known for images that a former build made; a page with an image that is new is
//! rendered again once the image is made.

mod animation;
pub mod encode;
mod gif;
pub mod header;
mod make;
mod picture;
pub mod pixels;
pub mod placeholder;
mod recompress;
pub mod score;
mod source;
pub mod strip;
mod variant;
mod work;
mod works;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

pub use picture::{Candidates, Picture, Place};
pub use recompress::{Lighter, recompress};
pub use source::{Origin, Source};
use variant::placeholder_key;
pub use variant::{Variant, What};
pub use works::{Made, Works};

use crate::cache::{Cache, Key};
use crate::config;
use crate::error::Result;

/// Every image of a site. What is learned while the site is made is kept behind locks.
#[derive(Debug)]
pub struct Images {
    settings: config::Images,
    cache: Arc<Cache>,
    local: BTreeMap<String, Arc<Source>>,
    remote: OnceLock<BTreeMap<String, Arc<Source>>>,
    /// Qualities that collections set for their images.
    qualities: OnceLock<HashMap<String, u8>>,
    variants: RwLock<HashMap<String, Variant>>,
    outcomes: RwLock<HashMap<Key, Outcome>>,
    /// `data:` URLs by the hash of their source; empty where a source has none.
    placeholders: RwLock<HashMap<Key, Arc<str>>>,
    broken: Mutex<BTreeMap<String, String>>,
}

/// What became of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In the cache, with so many bytes.
    Made(u64),
    /// Made, and not worth having.
    Dropped,
}

impl Images {
    pub fn new(
        settings: config::Images,
        cache: Arc<Cache>,
        local: impl IntoIterator<Item = Source>,
    ) -> Self {
        Self {
            settings,
            cache,
            local: local.into_iter().map(|it| (it.name.clone(), Arc::new(it))).collect(),
            remote: OnceLock::new(),
            qualities: OnceLock::new(),
            variants: RwLock::default(),
            outcomes: RwLock::default(),
            placeholders: RwLock::default(),
            broken: Mutex::default(),
        }
    }

    /// The same images, some of them changed, new or gone; what was learned of the others stays.
    #[must_use]
    pub fn with(&self, changed: Vec<Source>, gone: &[String]) -> Self {
        let mut local = self.local.clone();
        local.retain(|name, _| !gone.contains(name));
        local.extend(changed.into_iter().map(|source| (source.name.clone(), Arc::new(source))));
        let variants = read(&self.variants).clone();
        Self {
            settings: self.settings.clone(),
            cache: Arc::clone(&self.cache),
            local,
            remote: self.remote.clone(),
            qualities: self.qualities.clone(),
            variants: RwLock::new(variants),
            outcomes: RwLock::new(read(&self.outcomes).clone()),
            placeholders: RwLock::new(read(&self.placeholders).clone()),
            broken: Mutex::default(),
        }
    }

    /// The same images with more remote ones.
    #[must_use]
    pub fn with_remote(&self, sources: Vec<Source>, qualities: HashMap<String, u8>) -> Self {
        let mut remote = self.remote.get().cloned().unwrap_or_default();
        remote.extend(sources.into_iter().map(|it| (it.name.clone(), Arc::new(it))));
        let mut images = self.with(Vec::new(), &[]);
        (images.remote, images.qualities) = (OnceLock::from(remote), OnceLock::from(qualities));
        images
    }

    /// Remote images, once they are fetched; those that could not be are broken.
    pub fn add_remote(&self, sources: Vec<Source>, qualities: HashMap<String, u8>) {
        let sources = sources.into_iter().map(|it| (it.name.clone(), Arc::new(it))).collect();
        // A site is prepared once.
        let _ = self.remote.set(sources);
        let _ = self.qualities.set(qualities);
    }

    pub fn settings(&self) -> &config::Images {
        &self.settings
    }

    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The image of this name: a path, perhaps encoded as editors of Markdown do, or a URL.
    pub fn source(&self, name: &str) -> Option<&Source> {
        let path = name.trim_start_matches('/');
        let remote = || self.remote.get().and_then(|remote| remote.get(name));
        let decoded = || {
            let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
            self.local.get(decoded.as_ref())
        };
        self.local.get(path).or_else(remote).or_else(decoded).map(|source| &**source)
    }

    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let remote = self.remote.get().into_iter().flat_map(BTreeMap::values);
        self.local.values().chain(remote).map(|source| &**source)
    }

    /// A variant by the URL that a page refers to it by.
    pub fn variant(&self, url: &str) -> Option<Variant> {
        read(&self.variants).get(url).cloned()
    }

    pub fn is_variant(&self, url: &str) -> bool {
        read(&self.variants).contains_key(url)
    }

    /// The URL and key of a variant, which a former build may have named; `None` where its source
    /// is gone.
    pub fn recall(&self, variant: &Variant) -> Option<(String, Key)> {
        Some(self.name(self.source(&variant.source)?, variant.what))
    }

    /// A variant's URL and key. The URL leads back to the variant.
    fn name(&self, source: &Source, what: What) -> (String, Key) {
        let key = what.key(&source.hash);
        let (kind, alpha) = match &source.header {
            Ok(header) => (header.kind, header.alpha),
            Err(_) => (header::Kind::Png, true),
        };
        let url = what.url(&source.name, &key, kind, alpha);
        if !read(&self.variants).contains_key(&url) {
            let variant = Variant { source: source.name.clone(), what };
            write(&self.variants).insert(url.clone(), variant);
        }
        (url, key)
    }

    /// What became of a variant, if this or a former build made it.
    pub fn outcome(&self, key: &Key) -> Option<Outcome> {
        if let Some(outcome) = read(&self.outcomes).get(key) {
            return Some(*outcome);
        }
        let outcome = match self.cache.len(key)? {
            0 => Outcome::Dropped,
            bytes => Outcome::Made(bytes),
        };
        self.learn(*key, outcome);
        Some(outcome)
    }

    /// How many bytes a variant has, if it was made.
    pub fn weight(&self, variant: &Variant) -> Option<u64> {
        let source = self.source(&variant.source)?;
        match self.outcome(&variant.what.key(&source.hash))? {
            Outcome::Made(bytes) => Some(bytes),
            Outcome::Dropped => None,
        }
    }

    /// The stand-in for a source that is still loading, empty if it has none; `None` if that is
    /// not known yet.
    fn placeholder(&self, source: &Source) -> Option<Arc<str>> {
        let moves = source.header.as_ref().is_ok_and(|header| header.animated);
        if !self.settings.placeholders || moves {
            return Some("".into());
        }
        if let Some(url) = read(&self.placeholders).get(&source.hash) {
            return Some(url.clone());
        }
        self.learn_placeholder(source, self.cache.get(&placeholder_key(&source.hash))?)
    }

    fn learn_placeholder(&self, source: &Source, bytes: Vec<u8>) -> Option<Arc<str>> {
        let url: Arc<str> = String::from_utf8(bytes).ok()?.into();
        write(&self.placeholders).insert(source.hash, url.clone());
        Some(url)
    }

    fn learn(&self, key: Key, outcome: Outcome) {
        write(&self.outcomes).insert(key, outcome);
    }

    /// A variant's bytes: from the cache, or made anew where they have gone from it.
    pub fn bytes(&self, variant: &Variant) -> Result<Vec<u8>> {
        let missing = || source::broken(&variant.source, "is no longer there");
        let source = self.source(&variant.source).ok_or_else(missing)?;
        // A feed may name a variant before anybody knows that it will be dropped: the source, which
        // is smaller, then stands under its name.
        for what in [variant.what, What::Original] {
            let key = what.key(&source.hash);
            if let Some(bytes) = self.cache.get(&key).filter(|bytes| !bytes.is_empty()) {
                return Ok(bytes);
            }
            let made = make::make(source, &[what], &self.cache, &self.settings)
                .map_err(|reason| source::broken(&variant.source, &reason))?;
            let of_key = made.into_iter().find(|(made, _)| *made == key);
            if let Some((_, bytes)) = of_key.filter(|(_, bytes)| !bytes.is_empty()) {
                return Ok(bytes);
            }
        }
        Err(source::broken(&variant.source, "cannot be made any smaller, nor shown as it is"))
    }

    fn mark_broken(&self, source: &str, reason: &str) {
        let mut broken = self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // What was found first is the cause of what follows.
        broken.entry(source.to_owned()).or_insert_with(|| reason.to_owned());
    }

    /// Notes an image that is replaced by a placeholder.
    pub fn mark_missing(&self, src: &str, error: &crate::error::Error) {
        let reason = error.to_string();
        let (broken, missing) =
            (format!("the image {src} "), format!("there is no image \"{src}\""));
        let reason = if reason == missing { "does not exist" } else { &reason };
        self.mark_broken(src, reason.strip_prefix(&broken).unwrap_or(reason));
    }

    /// What is wrong with a source, if that is known.
    fn reason(&self, source: &str) -> Option<String> {
        let broken = self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        broken.get(source).cloned()
    }

    /// Images that were asked for and cannot be shown, each with what is wrong with it.
    pub fn broken(&self) -> BTreeMap<String, String> {
        self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// A hash over all sources and settings: what pages show of images follows from it.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        // Debug output names every field, so a new one cannot be forgotten here.
        hasher.update(format!("{:?}", self.settings).as_bytes());
        let qualities: Option<BTreeMap<_, _>> = self.qualities.get().map(|q| q.iter().collect());
        hasher.update(format!("{qualities:?}").as_bytes());
        add(&mut hasher, self.sources());
        hasher.finalize().into()
    }

    /// The same of the site's own sources, whether or not images may be missing: what is known
    /// before anything is read or downloaded.
    pub fn own_fingerprint(&self) -> [u8; 32] {
        let settings = config::Images { allow_missing: true, ..self.settings.clone() };
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{settings:?}").as_bytes());
        add(&mut hasher, self.local.values().map(|source| &**source));
        hasher.finalize().into()
    }
}

fn add<'s>(hasher: &mut blake3::Hasher, sources: impl Iterator<Item = &'s Source>) {
    for source in sources {
        hasher.update(source.name.as_bytes()).update(b"\0").update(&source.hash);
        hasher.update(format!("{:?}", source.header).as_bytes());
    }
}

/// The cache entries that a variant brings about.
fn keys(source: &Source, what: What) -> [Key; 2] {
    [what.key(&source.hash), placeholder_key(&source.hash)]
}

/// A lock that a panic poisoned still guards whole values: they are only ever inserted.
fn read<T>(lock: &RwLock<T>) -> std::sync::RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(std::sync::PoisonError::into_inner)
}
