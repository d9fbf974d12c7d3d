//! Copies of images from former builds, and how to ask whether they are still good.

use reqwest::header::{ETAG, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::header::{HeaderName, LAST_MODIFIED};
use serde::{Deserialize, Serialize};
use url::{Position, Url};

use super::Fetched;
use super::answer::Answer;
use super::shown::shown;
use crate::cache::{Cache, Key};
use crate::error::{Error, Result};

/// What the cache remembers of a URL.
#[derive(Serialize, Deserialize)]
struct Entry {
    etag: Option<String>,
    last_modified: Option<String>,
    /// The hash of the image, which is its key.
    content: String,
    bytes: u64,
    /// Who gave the validators: after a redirect not the URL itself. Without its query.
    from: String,
}

/// An image in the cache.
pub struct Copy {
    entry: Entry,
    key: Key,
}

impl Copy {
    /// The copy of a URL's image, if it is there as it was put, and not larger than it may be.
    pub fn find(cache: &Cache, url: &Url, max_bytes: u64) -> Option<Self> {
        let entry: Entry = serde_json::from_slice(&cache.get(&key(url))?).ok()?;
        let key = *blake3::Hash::from_hex(&entry.content).ok()?.as_bytes();
        let whole = cache.len(&key) == Some(entry.bytes) && entry.bytes <= max_bytes;
        whole.then_some(Self { entry, key })
    }

    /// The headers that ask for an image only if it is another one by now. Validators mean nothing
    /// to any place but the one that gave them.
    pub fn validators(&self, url: &Url) -> HeaderMap {
        let Entry { etag, last_modified, from, .. } = &self.entry;
        if from != place(url) {
            return HeaderMap::new();
        }
        let header = |name: HeaderName, text: &Option<String>| {
            Some((name, HeaderValue::from_str(text.as_deref()?).ok()?))
        };
        let headers = [header(IF_NONE_MATCH, etag), header(IF_MODIFIED_SINCE, last_modified)];
        headers.into_iter().flatten().collect()
    }

    pub fn fetched(self, warning: Option<String>) -> Fetched {
        Fetched { key: self.key, bytes: self.entry.bytes, downloaded: false, warning }
    }
}

/// Puts an image into the cache, and then what is known of its URL.
pub fn keep(cache: &Cache, url: &Url, answer: &Answer) -> Result<Fetched> {
    let hash = blake3::hash(&answer.body);
    let bytes = answer.body.len() as u64;
    let header = |name| Some(answer.headers.get(name)?.to_str().ok()?.to_owned());
    let entry = Entry {
        etag: header(ETAG),
        last_modified: header(LAST_MODIFIED),
        content: hash.to_hex().to_string(),
        bytes,
        from: place(&answer.from).to_owned(),
    };
    let entry = serde_json::to_vec(&entry).map_err(|error| {
        Error::other(format!("cannot note the image {}", shown(url))).because(error)
    })?;
    cache.put(hash.as_bytes(), &answer.body)?;
    cache.put(&key(url), &entry)?;
    Ok(Fetched { key: *hash.as_bytes(), bytes, downloaded: true, warning: None })
}

/// A URL without its query, which for some servers is a signature, another one each time.
fn place(url: &Url) -> &str {
    &url[..Position::AfterPath]
}

fn key(url: &Url) -> Key {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"remote image v1\0").update(url.as_str().as_bytes());
    *hasher.finalize().as_bytes()
}
