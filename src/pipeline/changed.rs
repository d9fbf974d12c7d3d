//! Whether a build would make another site than the one that is live, without rendering anything.

mod compare;
mod site;

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use super::inputs::{self, Inputs, Pages, Summary};
use super::reading::Glance;
use super::{pictures, reading, record};
use crate::assets;
use crate::config::Config;
use crate::db::deploys;
use crate::error::{Error, Result};
use crate::model::{self, Manifests};
use crate::render::Keys;
use crate::theme::Theme;
pub use site::{Live, live};

/// How the site would differ.
#[derive(Debug, Default, Serialize)]
pub struct Changed {
    /// A build would make another site, or it cannot be told.
    pub changed: bool,
    /// Why nothing can be told, if so.
    pub doubt: Option<String>,
    /// Of the program, the configuration, the templates, the assets and the host's files, those that
    /// differ.
    pub inputs: Vec<&'static str>,
    pub collections: Vec<Collection>,
    /// Pages whose layouts differ.
    pub layouts: Vec<String>,
    /// Paths of pages that would say something else, be new, or be gone; none where the live site
    /// does not tell.
    pub pages_changed: Vec<String>,
    pub pages_new: Vec<String>,
    pub pages_gone: Vec<String>,
    pub seconds: f64,
}

/// A collection whose rows differ.
#[derive(Debug, Serialize)]
pub struct Collection {
    pub name: String,
    /// The table it is, if it is one.
    pub table: Option<String>,
    pub rows: Option<usize>,
    pub live_rows: Option<usize>,
}

/// What would be built here.
struct Here {
    inputs: Inputs,
    pages: Pages,
    /// The marks of changes that were there by then.
    seen: Option<deploys::Seen>,
    course: Option<deploys::Course>,
    has_tasks: bool,
}

/// Compares what would be built with the site at `url`. Where nothing would change, the changes
/// noted so far are deployed already, and are noted as such.
pub fn changed(config: &Config, url: &str) -> Result<Changed> {
    let began = Instant::now();
    let address = site::address(url, inputs::HEALTH);
    let (live, here) = std::thread::scope(|scope| {
        let live = scope.spawn(|| site::fetch::<Summary>(&address, site::MOST_HEALTH));
        let here = here(config);
        let live = live.join().unwrap_or_else(|_| Err(Error::other("the request broke off")));
        (live, here)
    });
    let mut changed = match live {
        Err(error) => Changed::doubtful(silence(&error, &address)),
        Ok(live) => with_live(config, url, &live, &here?),
    };
    changed.changed = !changed.is_same();
    changed.seconds = began.elapsed().as_secs_f64();
    Ok(changed)
}

fn with_live(config: &Config, url: &str, live: &Summary, here: &Here) -> Changed {
    let mut changed = compare::compare(config, &live.inputs, &here.inputs);
    if !changed.is_same() {
        let address = site::address(url, inputs::PAGES);
        // A live site that does not tell is no reason not to build.
        match site::fetch(&address, site::MOST_PAGES) {
            Ok(live) => compare::pages(&mut changed, &live, &here.pages),
            Err(error) => tracing::info!("{}", silence(&error, &address)),
        }
        return changed;
    }
    changed.doubt = here.doubt(live);
    if changed.doubt.is_none() {
        note(config, here, live);
    }
    changed
}

fn silence(error: &Error, address: &str) -> String {
    format!("{address} does not tell: {}", error.chain().join(": "))
}

impl Changed {
    fn doubtful(doubt: String) -> Self {
        Self { doubt: Some(doubt), ..Self::default() }
    }

    fn is_same(&self) -> bool {
        self.doubt.is_none()
            && self.inputs.is_empty()
            && self.collections.is_empty()
            && self.layouts.is_empty()
    }
}

impl Here {
    /// Why the live site may soon be another, or a build make another, though both are the same now.
    fn doubt(&self, live: &Summary) -> Option<String> {
        if self.has_tasks {
            return Some("tasks for models are due, which a build works on".to_owned());
        }
        let course = self.course.as_ref()?;
        if course.is_running {
            return Some("a build is running: what it read may be out of date".to_owned());
        }
        let last = course.fingerprint.as_ref()?;
        (*last != live.fingerprint)
            .then(|| "the last build that succeeded is not the one that is live".to_owned())
    }
}

fn here(config: &Config) -> Result<Here> {
    let (glance, theirs) = rayon::join(|| reading::glance(config), || prepare(config));
    let (Glance { snapshot, course, has_tasks }, (theme, manifests, assets)) = (glance?, theirs?);
    let inputs = inputs::of(config, &theme, &assets, &snapshot)?;
    let seen = snapshot.changes.clone();
    let site = model::assemble(snapshot, config, &manifests)?;
    let pages = inputs::pages(&Keys::of_content(config, &site), &site);
    Ok(Here { inputs, pages, seen, course, has_tasks })
}

fn prepare(config: &Config) -> Result<(Theme, Manifests, assets::Manifest)> {
    let theme = Theme::load(config)?;
    let files = theme.manifests();
    let manifests = Manifests::parse(
        files.map(|(name, file)| (name, file.origin.as_str(), file.text.as_str())),
    )?;
    let cache = Arc::new(pictures::cache(config)?);
    let assets = assets::plan(config, &theme, &cache)?;
    Ok((theme, manifests, assets))
}

/// What is live holds every change that was read: none of them is to be deployed. Where no build ever
/// said what it made, nobody can know.
fn note(config: &Config, here: &Here, live: &Summary) {
    let last = here.course.as_ref().and_then(|course| course.fingerprint.as_ref());
    let seen = here.seen.as_ref().filter(|seen| !seen.marks.is_empty());
    let Some(seen) = seen.filter(|_| last == Some(&live.fingerprint)) else { return };
    let noted =
        record::with_database(config, async |connection| deploys::consume(connection, seen).await);
    if let Err(error) = noted {
        tracing::warn!("the changes stay pending: {}", error.chain().join(": "));
    }
}
