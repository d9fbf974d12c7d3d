//! Tasks for models, before anything is read. A build never fails because a model is down, or
//! because what it was asked for cannot be had: what is not done stays pending.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::config::Config;
use crate::db::Database;
use crate::enrich::task::Tasks;
use crate::enrich::worker::{Options, Report};
use crate::enrich::{SharedConnection, run};
use crate::error::Result;

/// Works through the queue within the window, where the configuration asks for it.
pub async fn step(database: &Database, config: &Config) -> Option<Report> {
    if config.enrich.window.is_zero() || !run::is_wanted(config) {
        return None;
    }
    match work(database, config).await {
        Ok(report) => Some(report),
        Err(error) => {
            tracing::warn!("nothing was enriched: {}", error.chain().join(": "));
            None
        }
    }
}

async fn work(database: &Database, config: &Config) -> Result<Report> {
    let mut connection = database.connect().await?;
    if database.is_embedded() {
        super::reading::sync(&mut connection, config).await?;
    }
    let connection: SharedConnection = Arc::new(Mutex::new(connection));
    let options = Options::new(&config.enrich);
    let tasks = Tasks::new(config, Arc::clone(&connection), options.run_id)?;
    let report = run::run(database, &connection, config, &tasks, &options, &()).await;
    drop(tasks);
    if let Some(connection) = Arc::into_inner(connection) {
        crate::db::hang_up(connection.into_inner()).await;
    }
    report
}
