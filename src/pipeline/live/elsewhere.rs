//! Images that lie elsewhere: which of them are named and not there yet, and taking those that were
//! fetched meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use super::{Change, Live, Stale};
use crate::assets::images::{Images, Source};
use crate::assets::remote::Rules;
use crate::cache::Cache;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::{Hash, Row, Site};
use crate::pipeline::{mentions, pictures};
use crate::render::Shared;

/// URLs, each with a place that names it.
pub type Named = BTreeMap<String, String>;

/// Images to fetch.
pub struct Wanted {
    pub urls: Named,
    cache: Arc<Cache>,
}

/// What became of them.
pub struct Fetched {
    sources: Vec<Source>,
    /// Those that could not be fetched, and why.
    pub failed: BTreeMap<String, Error>,
}

/// So long a site waits for its images before it is shown without them.
const FIRST: Duration = Duration::from_secs(10);

impl Wanted {
    /// Blocks, and is to be called where that holds nobody up.
    pub fn fetch(&self, config: &Config) -> Fetched {
        let (sources, failed) = pictures::fetch_some(config, &self.cache, &self.urls);
        Fetched { sources, failed }
    }
}

/// What texts of a whole site name.
pub fn mentioned(config: &Config, site: &Site, shared: &Shared) -> Result<Named> {
    let prefixes = pictures::rules(&config.images).prefixes();
    Ok(mentions::in_texts(config, site, shared, &prefixes)?.into_iter().collect())
}

/// Gives a new site its images, as far as they come in time.
pub fn begin(config: &Config, site: &Site, mentioned: &Named, images: &Images) {
    let urls = missing(config, site, mentioned, images);
    let sources = if urls.is_empty() { Vec::new() } else { in_time(config, urls, images) };
    images.add_remote(sources, pictures::qualities(site));
}

fn in_time(config: &Config, urls: Named, images: &Images) -> Vec<Source> {
    let (done, fetched) = mpsc::channel();
    let (wanted, config) = (Wanted { urls, cache: Arc::clone(images.cache()) }, config.clone());
    // What fails is tried again, and told, once the site is shown.
    let fetching = std::thread::Builder::new().name("fetch".to_owned());
    let begun = fetching.spawn(move || drop(done.send(wanted.fetch(&config).sources)));
    begun.ok().and_then(|_| fetched.recv_timeout(FIRST).ok()).unwrap_or_default()
}

/// Named, allowed and not there.
fn missing(config: &Config, site: &Site, mentioned: &Named, images: &Images) -> Named {
    let rules: Rules = pictures::rules(&config.images);
    let own = config.site.image.as_deref().filter(|image| pictures::is_url(image));
    if own.is_none() && rules.prefixes().is_empty() {
        return Named::new();
    }
    let lacks = |url: &str| pictures::is_url(url) && images.source(url).is_none();
    let named = site.images.iter().filter(|it| lacks(&it.path) && rules.check(&it.path).is_ok());
    let mut missing: Named = named.map(|it| (it.path.clone(), it.place.clone())).collect();
    let own = own.filter(|url| lacks(url));
    missing.extend(own.map(|url| (url.to_owned(), "frieze.toml: site.image".to_owned())));
    let texts = mentioned.iter().filter(|(url, _)| lacks(url) && rules.check(url).is_ok());
    missing.extend(texts.map(|(url, place)| (url.clone(), place.clone())));
    missing
}

impl Live {
    /// What is to be fetched, but for these.
    pub fn wanted(&self, but: &BTreeSet<String>) -> Wanted {
        let images = &self.shared.assets.images;
        let mut urls = missing(&self.config, &self.site, &self.mentioned, images);
        urls.retain(|url, _| !but.contains(url));
        Wanted { urls, cache: Arc::clone(images.cache()) }
    }

    /// Images were fetched: pages may show them. What is wrong with the first of the others, unless
    /// placeholders may stand for them.
    pub fn fetched(&mut self, fetched: Fetched) -> Result<Option<Error>> {
        let Fetched { sources, mut failed } = fetched;
        let images = &self.shared.assets.images;
        let placeholders = images.settings().allow_missing;
        if sources.is_empty() && !placeholders {
            return Ok(failed.pop_first().map(|(_, error)| error));
        }
        let images = images.with_remote(sources, pictures::qualities(&self.site));
        if placeholders {
            for (url, error) in std::mem::take(&mut failed) {
                images.mark_missing(&url, &error);
            }
        }
        let mut manifest = self.shared.assets.clone();
        manifest.images = Arc::new(images);
        self.employ(&manifest.images)?;
        self.shared = self.shared.with_assets(manifest);
        self.dress(true)?;
        Ok(failed.pop_first().map(|(_, error)| error))
    }

    /// Forgets what no text names any more: an image that cannot be had may be one of those. It looks
    /// through all texts, where any of them changed.
    pub fn forget_unnamed(&mut self) -> Result<()> {
        if self.reworded && self.stale != Stale::Whole {
            self.mentioned = mentioned(&self.config, &self.site, &self.shared)?;
            self.reworded = false;
        }
        Ok(())
    }

    /// Notes what texts of changed rows name, before the site has the rows.
    pub(super) fn mention(&mut self, change: &Change) {
        self.reworded |= !matches!(change, Change::Notes(_));
        let prefixes = pictures::rules(&self.config.images).prefixes();
        if prefixes.is_empty() {
            return;
        }
        let (collection, rows) = match change {
            Change::Row { collection, row, .. } | Change::Come { collection, row, .. } => {
                (collection, vec![row])
            }
            Change::All { collection, rows } => (collection, self.unknown(collection, rows)),
            Change::Gone { .. } | Change::Layouts { .. } | Change::Notes(_) => return,
        };
        let Some(config) = self.config.collections.get(collection) else { return };
        let found = mentions::in_rows(config, rows.into_iter(), &self.shared, &prefixes);
        // What is wrong with a row is told where it is shown.
        self.mentioned.extend(found.unwrap_or_default());
    }

    /// The rows that are not among those the site has.
    fn unknown<'a>(&self, collection: &str, rows: &'a [Row]) -> Vec<&'a Row> {
        let known: BTreeSet<Hash> = self.rows(collection).iter().map(|row| row.hash).collect();
        rows.iter().filter(|row| !known.contains(&row.hash)).collect()
    }

    pub(super) fn mention_layouts(&mut self) {
        let prefixes = pictures::rules(&self.config.images).prefixes();
        if !prefixes.is_empty() {
            let found = mentions::in_layouts(&self.site, &self.shared, &prefixes);
            self.mentioned.extend(found);
        }
    }
}
