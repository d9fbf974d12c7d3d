//! Which URLs may be fetched, by their names alone.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::hosts::Entry;
use super::refusal;
use crate::error::{Error, Result};

/// Below this path a storage server keeps the files that anybody may read.
const PUBLIC: &str = "/storage/v1/object/public/";

/// What may be fetched, and how much of it.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The project's own storage server.
    pub storage: Option<Url>,
    /// Other hosts; `http://host` where it may be reached without encryption too.
    pub hosts: Vec<String>,
    /// Of one image.
    pub max_bytes: u64,
    /// For one image, from the first request to the last byte; each new try has as much.
    pub timeout: Duration,
}

impl Rules {
    /// Whether a URL may be fetched by its name alone. What comes back has no fragment.
    pub fn check(&self, src: &str) -> Result<Url> {
        let mut url = Url::parse(src).map_err(|error| refusal::not_a_url(src, error))?;
        url.set_fragment(None);
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refusal::with_user(&url));
        }
        if self.in_storage(&url) || self.on_host(&url) {
            return Ok(url);
        }
        Err(self.refusal(&url))
    }

    /// What allowed URLs begin with: a cheap test to find candidates in texts.
    pub fn prefixes(&self) -> Vec<String> {
        let storage = self.storage.as_ref().map(Url::origin).filter(url::Origin::is_tuple);
        let storage = storage.map(|origin| format!("{}{PUBLIC}", origin.ascii_serialization()));
        let mut prefixes: Vec<String> = storage.into_iter().collect();
        for Entry { host, http } in self.entries() {
            prefixes.push(format!("https://{host}/"));
            prefixes.extend(http.then(|| format!("http://{host}/")));
        }
        prefixes
    }

    /// Whether a URL is at the project's own storage, where that is a server on this machine: the
    /// one place on loopback that may be reached.
    pub(super) fn is_local(&self, url: &Url) -> bool {
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        local && self.at_storage(url)
    }

    fn at_storage(&self, url: &Url) -> bool {
        let web = matches!(url.scheme(), "http" | "https");
        web && self.storage.as_ref().is_some_and(|storage| storage.origin() == url.origin())
    }

    fn in_storage(&self, url: &Url) -> bool {
        url.path().starts_with(PUBLIC) && !climbs(url.path()) && self.at_storage(url)
    }

    fn on_host(&self, url: &Url) -> bool {
        let named = |entry: Entry| {
            let scheme = url.scheme() == "https" || (entry.http && url.scheme() == "http");
            scheme && url.host_str() == Some(entry.host.as_str())
        };
        url.port().is_none() && self.entries().any(named)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.hosts.iter().filter_map(|entry| Entry::read(entry))
    }

    fn refusal(&self, url: &Url) -> Error {
        let host = url.host_str().unwrap_or_default();
        if !matches!(url.scheme(), "http" | "https") {
            return refusal::other_scheme(url);
        }
        if self.at_storage(url) {
            return refusal::not_public(url, PUBLIC);
        }
        if url.port().is_some() {
            return refusal::other_port(url);
        }
        if self.entries().any(|entry| entry.host == host) {
            return refusal::not_encrypted(url);
        }
        refusal::other_host(url)
    }
}

/// Whether a server that decodes the path would find a way up in it.
fn climbs(path: &str) -> bool {
    let decoded = percent_decode_str(path).collect::<Vec<u8>>();
    decoded.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..")
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
