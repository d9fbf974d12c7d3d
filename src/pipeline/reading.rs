//! Where a build's rows come from: the database, or what its last read left.

use std::path::{Path, PathBuf};

use super::pictures;
use super::record::Record;
use crate::config::{Config, OnUnreachable};
use crate::db::{self, Database, deploys, seed};
use crate::enrich::queue;
use crate::enrich::worker::Report;
use crate::error::Result;
use crate::source::snapshot::{self, About, Origin, Recorder, Recording};
use crate::source::{self, Snapshot};

/// What was read, and how it compares with what was read before.
pub struct Reading {
    pub snapshot: Snapshot,
    /// What this read leaves, once a site was made from it.
    pub recording: Option<Recording>,
    /// The snapshot that stood in for the database.
    pub stand_in: Option<About>,
    /// What the last read of the same database left.
    pub former: Option<About>,
    /// What models were asked before.
    pub enriched: Option<Report>,
}

impl Reading {
    pub fn of(snapshot: Snapshot) -> Self {
        Self { snapshot, recording: None, stand_in: None, former: None, enriched: None }
    }
}

/// Reads everything the site shows.
pub fn read(config: &Config, cache: &Path, record: &Record) -> Result<Reading> {
    let left = left(config, cache);
    let left = left.as_path();
    if config.database.offline {
        return offline(config, left);
    }
    match live(config, left, record) {
        Err(error)
            if error.absence().is_some()
                && config.database.on_unreachable == OnUnreachable::Snapshot =>
        {
            let place = db::place(&config.database)?;
            // One that is damaged says so when it is read.
            let other = snapshot::about(left).is_some_and(|it| Some(it.origin.place) != place);
            if other || !left.exists() {
                return Err(error.context("there is no snapshot of this database to build from"));
            }
            tracing::warn!("{}: building from the last snapshot", error.chain().join(": "));
            stand_in(config, left)
        }
        read => read,
    }
}

/// Where a read leaves its rows.
fn left(config: &Config, cache: &Path) -> PathBuf {
    // Its name depends on where the folder really is.
    let _ = std::fs::create_dir_all(cache);
    snapshot::path(cache, &config.root)
}

/// Where what was found by vectors is kept between reads.
pub fn vectors(config: &Config) -> PathBuf {
    snapshot::vectors(&left(config, &pictures::cache_folder(config)))
}

/// Whoever asks for it may mean the snapshot of another database, and is told.
fn offline(config: &Config, left: &Path) -> Result<Reading> {
    let reading = stand_in(config, left)?;
    if let (Some(about), Some(place)) = (&reading.stand_in, db::place(&config.database)?)
        && about.origin.place != place
    {
        let (of, env) = (&about.origin.place, &config.database.url_env);
        tracing::warn!("the snapshot is of {of}, and {env} names {place}");
    }
    Ok(reading)
}

fn stand_in(config: &Config, left: &Path) -> Result<Reading> {
    let (snapshot, about) = snapshot::load(left, config)?;
    Ok(Reading { stand_in: Some(about), ..Reading::of(snapshot) })
}

/// Reads the database. The embedded one is first brought up to `content/`, which is its source.
fn live(config: &Config, left: &Path, record: &Record) -> Result<Reading> {
    let place = db::place(&config.database)?;
    let former = snapshot::about(left).filter(|about| Some(&about.origin.place) == place.as_ref());
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        begin(&database, config, record).await?;
        let step = match super::enriching::step(&database, config).await {
            Ok(step) => step,
            Err(away) => {
                database.close().await?;
                return Err(away);
            }
        };
        let take = async |connection: &mut sqlx::PgConnection| {
            let mut recorder = place.as_ref().and_then(|place| recorder(config, left, place));
            let vectors = snapshot::vectors(left);
            let vectors = Some(vectors.as_path());
            let snapshot = source::read(connection, config, recorder.as_mut(), vectors).await?;
            Ok((snapshot, recorder.and_then(Recorder::finish)))
        };
        let read = if let Some(mut synced) = step.synced {
            let read = take(&mut synced).await;
            db::hang_up(synced).await;
            read
        } else {
            let work = async |connection: &mut sqlx::PgConnection| {
                if database.is_embedded() {
                    sync(connection, config).await?;
                }
                take(connection).await
            };
            database.with_connection(work).await
        };
        database.close().await?;
        let (snapshot, recording) = read?;
        let (former, enriched) = (former.clone(), step.report);
        Ok(Reading { recording, former, enriched, ..Reading::of(snapshot) })
    })
}

/// A build begins before models are asked: what they write is then known to be read by it.
async fn begin(database: &Database, config: &Config, record: &Record) -> Result<()> {
    if database.is_embedded() || !Record::is_wanted(config) {
        return Ok(());
    }
    let begin = async |connection: &mut sqlx::PgConnection| {
        record.begin(connection).await;
        Ok(())
    };
    database.with_connection(begin).await
}

/// What is in the database, and what is about to be.
pub struct Glance {
    pub snapshot: Snapshot,
    /// What builds have recorded, later than the snapshot was taken.
    pub course: Option<deploys::Course>,
    /// A build would ask models for something.
    pub has_tasks: bool,
}

/// Reads the database and nothing else: no model is asked, and nothing is left behind.
pub fn glance(config: &Config) -> Result<Glance> {
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let read = database
            .with_connection(async |connection| {
                if database.is_embedded() {
                    sync(connection, config).await?;
                }
                let snapshot = source::read(connection, config, None, None).await?;
                // A build that begins after this reads what is in the snapshot, or later.
                let course = deploys::course(connection).await?;
                let has_tasks =
                    super::enriching::is_wanted(config) && queue::is_any_due(connection).await?;
                Ok(Glance { snapshot, course, has_tasks })
            })
            .await;
        database.close().await?;
        read
    })
}

/// A snapshot that cannot be written is no reason not to build.
fn recorder(config: &Config, left: &Path, place: &str) -> Option<Recorder> {
    let origin = Origin::now(place.to_owned(), &config.database.role);
    let started = Recorder::start(left, origin);
    started
        .map_err(|error| tracing::warn!("no snapshot is kept: {}", error.chain().join(": ")))
        .ok()
}

/// Leaves what was read for the day the database is away.
pub fn keep(recording: Option<Recording>, pages: usize) {
    let kept = recording.map_or(Ok(()), |recording| recording.keep(pages));
    if let Err(error) = kept {
        tracing::warn!("no snapshot is kept: {}", error.chain().join(": "));
    }
}

/// Makes the tables that the site expects.
pub async fn migrate(connection: &mut sqlx::PgConnection, config: &Config) -> Result<()> {
    let migrations = db::migrate::Migrations::collect(config)?;
    db::migrate::up(connection, &migrations).await.map(drop)
}

/// Brings the embedded database up to `content/`.
pub async fn sync(connection: &mut sqlx::PgConnection, config: &Config) -> Result<()> {
    migrate(connection, config).await?;
    let content = seed::Content::read(&config.build.content, config)?;
    let report = seed::sync(connection, &content, seed::Mode::Mirror).await?;
    tracing::info!(?report, "synced content");
    Ok(())
}
