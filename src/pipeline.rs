//! The pipeline: a build from configuration to published site, as one page of prose. The only file
//! that names every stage.

mod changed;
pub mod check;
mod enriching;
mod inputs;
mod inventory;
pub mod live;
mod mentions;
mod outputs;
mod pages;
mod pictures;
mod reading;
mod record;
mod report;
mod shrink;

use std::sync::Arc;

pub use changed::{Changed, Collection as ChangedCollection, Live, changed, live};
pub use check::check;
use inputs::Health;
pub use inventory::Listed;
use outputs::Outputs;
use pages::Pages;
pub use pictures::Report as ImageReport;
use reading::Reading;
pub use reading::sync;
use record::Record;
pub use report::{Clock, Heaviest, Observer, Quiet, Report};

use crate::assets::{self, images::Works};
use crate::cache::Cache;
use crate::config::Config;
use crate::error::Result;
use crate::model::{self, Manifests};
use crate::publish::Stage;
use crate::render::{Engine, Keys, Press, Shared, Sources};
use crate::source::Snapshot;
use crate::theme::Theme;

/// A page with new images is rendered twice, and thrice if its image then turns out to be better
/// shown as it is.
const MOST_ROUNDS: usize = 3;

/// Builds the site and publishes it in one step; the former site stands until then.
pub fn build(config: &Config, observer: &dyn Observer) -> Result<Report> {
    let record = Record::new();
    let built = build_recorded(config, observer, &record);
    record.finish(config, &built);
    built
}

fn build_recorded(config: &Config, observer: &dyn Observer, record: &Record) -> Result<Report> {
    let mut clock = Clock::new(observer);
    let stage = outputs::open(config)?;
    clock.start("read");
    let (reading, prepared) = read(config, &clock.span(), record)?;
    freeze(config, reading, prepared, stage, clock)
}

/// A build of rows that are read already.
pub fn build_from(config: &Config, snapshot: Snapshot, observer: &dyn Observer) -> Result<Report> {
    let mut clock = Clock::new(observer);
    let stage = outputs::open(config)?;
    clock.start("prepare");
    let prepared = Prepared::new(config, &Arc::new(pictures::cache(config)?))?;
    freeze(config, Reading::of(snapshot), prepared, stage, clock)
}

/// Every image of the site with what its variants cost; nothing is made or published. The shared
/// values give access to the images themselves.
pub fn images(config: &Config) -> Result<(Vec<Listed>, Arc<Shared>)> {
    let mut clock = Clock::new(&Quiet);
    let (reading, prepared) = read(config, &clock.span(), &Record::new())?;
    let Prepared { theme, manifests, shared, engine } = prepared;
    let site = model::assemble(reading.snapshot, config, &manifests)?;
    pictures::fetch(config, &site, &shared, &mut clock)?;
    let from =
        Sources { config, theme: &theme, site: &site, manifests: &manifests, shared: &shared };
    let press = Press::new(engine, from)?;
    let listed = inventory::take(&site, &press.renderer(from), &shared.assets.images)?;
    Ok((listed, shared))
}

/// Reads the rows, and prepares everything else meanwhile.
fn read(config: &Config, span: &tracing::Span, record: &Record) -> Result<(Reading, Prepared)> {
    inputs::begin();
    let cache = Arc::new(pictures::cache(config)?);
    let reading = || span.in_scope(|| reading::read(config, cache.folder(), record));
    let (reading, prepared) = rayon::join(reading, || Prepared::new(config, &cache));
    Ok((reading?, prepared?))
}

fn freeze(
    config: &Config,
    reading: Reading,
    prepared: Prepared,
    stage: Stage,
    mut clock: Clock<'_>,
) -> Result<Report> {
    let Prepared { theme, manifests, shared, engine } = prepared;

    clock.start("assemble");
    let Reading { mut snapshot, recording, stand_in, former, enriched } = reading;
    let fingerprint = snapshot.fingerprint();
    let changes = snapshot.changes.take();
    let inputs = inputs::of(config, &theme, &shared.assets, &snapshot)?;
    let site = model::assemble(snapshot, config, &manifests)?;
    shrink::refuse(config, &site, &stage, former.as_ref())?;
    let fetched = pictures::fetch(config, &site, &shared, &mut clock)?;
    assets::check_images(&shared.assets, &site.images)?;

    clock.start("render");
    let from =
        Sources { config, theme: &theme, site: &site, manifests: &manifests, shared: &shared };
    let mut press = Press::new(engine, from)?;
    let keys = Keys::new(config, &theme, shared.assets.fingerprint(), &site);
    let works = Works::start(&shared.assets.images)?;
    let mut pages =
        Pages::new(&site, &keys, &stage, &works, clock.observer(), config.images.allow_missing);
    pages.render(&press.renderer(from))?;
    // Images that are new: their pages are rendered again once all is known about them.
    for _ in 0..MOST_ROUNDS {
        if !pages.are_pending() {
            break;
        }
        clock.start("images");
        works.wait()?;
        assets::check_images(&shared.assets, &site.images)?;
        press.images_made(from)?;
        pages.render(&press.renderer(from))?;
    }
    works.wait()?;
    assets::check_images(&shared.assets, &site.images)?;

    clock.start("publish");
    let pages = pages.done()?;
    let outputs = Outputs::new(config, &stage);
    let health = Health::new(&fingerprint, inputs, &Keys::of_content(config, &site), &site);
    outputs.write(&site, &press.renderer(from), &shared.assets, &pages, &health)?;
    let published = stage.commit()?;
    outputs::host_config(config, &pages)?;
    let images = pictures::Report::new(fetched, works.finish()?, &shared.assets.images);
    reading::keep(recording, site.pages.len());
    pictures::tidy(config, &shared.assets.images);
    let report = Report::new(config, &site, pages, images, published, fingerprint, clock.finish());
    Ok(Report { snapshot: stand_in, enriched, changes, ..report })
}

/// What a build needs beside the rows; made while the database is read.
struct Prepared {
    theme: Theme,
    manifests: Manifests,
    shared: Arc<Shared>,
    engine: Engine,
}

impl Prepared {
    fn new(config: &Config, cache: &Arc<Cache>) -> Result<Self> {
        let theme = Theme::load(config)?;
        let files = theme.manifests();
        let manifests = Manifests::parse(
            files.map(|(name, file)| (name, file.origin.as_str(), file.text.as_str())),
        )?;
        let shared = Shared::new(config, assets::plan(config, &theme, cache)?);
        let engine = Engine::load(&theme, &shared, config.build.minify)?;
        Ok(Self { theme, manifests, shared, engine })
    }
}

#[cfg(test)]
mod tests;
