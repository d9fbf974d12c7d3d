//! A run: what is missing is queued, the queue is worked through, and what is left of quotas is
//! written down.

use tracing::Instrument as _;

use super::task::Tasks;
use super::worker::{self, Observer, Options, Report};
use super::{SharedConnection, detect, memory, queue};
use crate::config::Config;
use crate::db::Database;
use crate::error::Result;

/// Whether the configuration knows of anything to do or anybody to ask.
pub fn is_wanted(config: &Config) -> bool {
    !config.enrich.providers.is_empty() || !config.enrich.tasks.is_empty()
}

/// Every log line of it carries the run's id.
pub async fn run(
    database: &Database,
    connection: &SharedConnection,
    config: &Config,
    tasks: &Tasks,
    options: &Options,
    observer: &impl Observer,
) -> Result<Report> {
    // Its level is that of errors, so that even those lines carry it that are always shown.
    let span = tracing::error_span!("enrich", run_id = %options.run_id);
    all(database, connection, config, tasks, options, observer).instrument(span).await
}

async fn all(
    database: &Database,
    connection: &SharedConnection,
    config: &Config,
    tasks: &Tasks,
    options: &Options,
    observer: &impl Observer,
) -> Result<Report> {
    queue_missing(connection, config, tasks).await?;
    let report =
        worker::drain(database, connection, &config.enrich, tasks, options, observer).await?;
    tasks.end().await?;
    if memory::is_there(&mut *connection.lock().await).await? {
        memory::archive(&mut *connection.lock().await).await?;
    }
    Ok(report)
}

/// Queues what the configured jobs would do now; how many tasks are new.
pub async fn queue_missing(
    connection: &SharedConnection,
    config: &Config,
    tasks: &Tasks,
) -> Result<usize> {
    let mut connection = connection.lock().await;
    let missing = detect::missing(&mut connection, config, &tasks.embedding_model()).await?;
    let new: Vec<queue::NewTask> = missing.into_iter().map(detect::Missing::task).collect();
    let added = queue::add_many(&mut connection, &new).await?;
    tracing::info!(tasks = added, "queued what is missing");
    Ok(added)
}
