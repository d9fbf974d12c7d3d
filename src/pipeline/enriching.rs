//! Tasks for models, before anything is read. A build never fails because a model is down, or
//! because what it was asked for cannot be had: what is not done stays pending.

use std::sync::Arc;
use std::time::Duration;

use sqlx::PgConnection;
use tokio::sync::Mutex;

use crate::config::Config;
use crate::db::Database;
use crate::enrich::task::Tasks;
use crate::enrich::worker::{Options, Report, Watch};
use crate::enrich::{SharedConnection, run};
use crate::error::{Error, Kind, Result};

/// A page is not kept waiting any longer for a model that has reached its limit.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// What was done before the read.
#[derive(Default)]
pub struct Step {
    pub report: Option<Report>,
    /// The embedded database's connection, which says what `content/` says by now: it takes its
    /// time to make another.
    pub synced: Option<PgConnection>,
}

/// Whether a build gives models any time.
pub fn is_wanted(config: &Config) -> bool {
    !config.enrich.window.is_zero() && run::is_wanted(config)
}

/// Works through the queue within the window, where the configuration asks for it. An error only
/// where the database is away, which was waited for then, or somebody stops the build meanwhile.
pub async fn step(database: &Database, config: &Config) -> Result<Step> {
    let mut step = Step::default();
    if !is_wanted(config) {
        return Ok(step);
    }
    match work(database, config, &mut step).await {
        Ok(()) => {}
        Err(error) if error.absence().is_some() => return Err(error),
        Err(error) if matches!(error.kind(), Kind::Stopped(_)) => return Err(error),
        Err(error) => tracing::warn!("nothing was enriched: {}", error.chain().join(": ")),
    }
    Ok(step)
}

async fn work(database: &Database, config: &Config, step: &mut Step) -> Result<()> {
    let mut connection = database.connect().await?;
    if database.is_embedded() {
        super::reading::sync(&mut connection, config).await?;
    }
    let connection: SharedConnection = Arc::new(Mutex::new(connection));
    let options = Options { longest_wait: Some(LONGEST_WAIT), ..Options::new(&config.enrich) };
    let watch = Watch::over(&options.stop);
    let tasks = Tasks::new(config, Arc::clone(&connection), options.run_id)?;
    let report = run::run(database, &connection, config, &tasks, &options, &()).await;
    drop(tasks);
    let connection = Arc::into_inner(connection).map(Mutex::into_inner);
    if let Some(signal) = watch.signal() {
        if let Some(connection) = connection {
            crate::db::hang_up(connection).await;
        }
        let message = "stopped while models were asked: their tasks are given back";
        return Err(Error::new(Kind::Stopped(signal), message));
    }
    match connection {
        Some(mut connection) if database.is_embedded() => {
            // A row that a model wrote to says when; the files may say another time.
            if report.as_ref().is_ok_and(|report| report.written > 0) {
                super::reading::sync(&mut connection, config).await?;
            }
            step.synced = Some(connection);
        }
        Some(connection) => crate::db::hang_up(connection).await,
        None => {}
    }
    step.report = Some(report?);
    Ok(())
}
