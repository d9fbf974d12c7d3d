//! Images before and after pages: the cache they are kept in, remote ones fetched, and what became
//! of all of them.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::mentions;
use super::report::Clock;
use crate::assets::images::{Images, Made, Source};
use crate::assets::remote::{self, Rules};
use crate::cache::{Cache, RemoteStore, default_folder};
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::fs;
use crate::model::{ImageReference, Site};
use crate::render::Shared;

/// One attempt at a download may take so long, with all its redirects.
const TIMEOUT: Duration = Duration::from_mins(1);

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
    let env = |name: &str| std::env::var(name).ok();
    let cache = Cache::open(&folder(config, &env))?;
    match &config.cache.remote {
        Some(url) => Ok(cache.with_remote(RemoteStore::open(url, &env)?)),
        None => Ok(cache),
    }
}

/// The folder of that store.
pub fn cache_folder(config: &Config) -> PathBuf {
    folder(config, &|name| std::env::var(name).ok())
}

/// The folder that is named, or where the host keeps files, if that can be written to.
fn folder(config: &Config, env: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    config.cache.folder.clone().unwrap_or_else(|| {
        let kept = default_folder(&config.root, env);
        match fs::create_dir_all(&kept) {
            Ok(()) => kept,
            Err(error) => {
                tracing::warn!("{error}: what is made is not kept for the next build");
                config.root.join(".frieze/cache")
            }
        }
    })
}

pub fn rules(settings: &config::Images) -> Rules {
    Rules {
        storage: settings.storage.clone(),
        hosts: settings.hosts.clone(),
        max_bytes: settings.max_bytes,
        timeout: TIMEOUT,
    }
}

/// Downloads the remote images that the content names, unless they have not changed.
pub fn fetch(
    config: &Config,
    site: &Site,
    shared: &Shared,
    clock: &mut Clock<'_>,
) -> Result<Fetched> {
    let images = &shared.assets.images;
    let rules = rules(&config.images);
    let wanted = wanted(config, site, shared, &rules, images)?;
    let urls: Vec<String> = wanted.keys().cloned().collect();
    let (mut fetched, mut sources) = (Fetched::default(), Vec::new());
    if !urls.is_empty() {
        clock.start("fetch");
        let answers = remote::fetch_all(&rules, &urls, images.cache())?;
        for (url, answer) in urls.iter().zip(answers) {
            match answer {
                Ok(answer) => {
                    fetched.downloaded += usize::from(answer.downloaded);
                    fetched.warnings.extend(answer.warning);
                    let bytes = images.cache().get(&answer.key).unwrap_or_default();
                    let most = config.images.max_pixels;
                    sources.push(Source::cached(url, answer.key, &bytes, most));
                }
                Err(error) => refuse(images, url, &wanted[url.as_str()], error)?,
            }
        }
    }
    images.add_remote(sources, qualities(site));
    Ok(fetched)
}

/// Fetches some images, each with the place that names it. Those that had to be left out come with
/// why. Blocks, for a minute and more where a server is slow.
pub fn fetch_some(
    config: &Config,
    cache: &Cache,
    wanted: &BTreeMap<String, String>,
) -> (Vec<Source>, BTreeMap<String, Error>) {
    let urls: Vec<String> = wanted.keys().cloned().collect();
    let (mut sources, mut failed) = (Vec::new(), BTreeMap::new());
    let answers = match remote::fetch_all(&rules(&config.images), &urls, cache) {
        Ok(answers) => answers,
        Err(error) => {
            failed.extend(urls.into_iter().next().map(|url| (url, error)));
            return (sources, failed);
        }
    };
    for ((url, place), answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(answer) => {
                answer.warning.inspect(|warning| tracing::warn!("{warning}"));
                let bytes = cache.get(&answer.key).unwrap_or_default();
                sources.push(Source::cached(url, answer.key, &bytes, config.images.max_pixels));
            }
            Err(error) => drop(failed.insert(url.clone(), error.context(place.as_str()))),
        }
    }
    (sources, failed)
}

/// The URLs to fetch, each with the first place that names it.
fn wanted(
    config: &Config,
    site: &Site,
    shared: &Shared,
    rules: &Rules,
    images: &Images,
) -> Result<BTreeMap<String, String>> {
    let mut wanted = BTreeMap::new();
    let named = site.images.iter().filter(|image| is_url(&image.path));
    for ImageReference { path, place, .. } in named {
        match rules.check(path) {
            Ok(_) => drop(wanted.entry(path.clone()).or_insert_with(|| place.clone())),
            Err(error) => refuse(images, path, place, error)?,
        }
    }
    let own = config.site.image.iter().filter(|image| is_url(image));
    wanted.extend(own.map(|image| (image.clone(), "frieze.toml: site.image".to_owned())));
    for (url, place) in mentions::in_texts(config, site, shared, &rules.prefixes())? {
        wanted.entry(url).or_insert(place);
    }
    Ok(wanted)
}

pub fn is_url(path: &str) -> bool {
    path.starts_with("https://") || path.starts_with("http://")
}

/// An image that cannot be had stops the build, or becomes a placeholder where that is allowed.
fn refuse(images: &Images, url: &str, place: &str, error: Error) -> Result<()> {
    if images.settings().allow_missing {
        images.mark_missing(url, &error);
        return Ok(());
    }
    Err(error.context(place))
}

/// What collections set for their images; where two differ, the better.
pub fn qualities(site: &Site) -> HashMap<String, u8> {
    let mut qualities: HashMap<String, u8> = HashMap::new();
    for image in &site.images {
        if let Some(quality) = image.quality {
            // As sources are named, which have no slash in front.
            let name = image.path.trim_start_matches('/');
            let known = qualities.entry(name.to_owned()).or_insert(quality);
            *known = quality.max(*known);
        }
    }
    qualities
}

/// Keeps the cache within its bounds. A cache that cannot be tidied is no reason to fail a build.
pub fn tidy(config: &Config, images: &Images) {
    match images.cache().prune(config.cache.max_bytes) {
        Ok(pruned) => tracing::info!(?pruned, "tidied the cache"),
        Err(error) => tracing::warn!("{error}"),
    }
    if let Some(report) = images.cache().finish() {
        tracing::info!(?report, "remote cache");
    }
}
