//! What a build that goes live leaves in the database: that it began, how it ended, and which
//! changes are deployed with it. Nothing of this is a reason for a build to fail.

use std::sync::OnceLock;
use std::time::Instant;

use sqlx::PgConnection;

use super::report::Report;
use crate::config::Config;
use crate::db::deploys::{self, Build, Outcome};
use crate::db::{self, Database};
use crate::error::{Error, Result};

/// The record of one build.
pub struct Record {
    began: Instant,
    build: OnceLock<Build>,
}

impl Record {
    pub fn new() -> Self {
        Self { began: Instant::now(), build: OnceLock::new() }
    }

    pub fn is_wanted(config: &Config) -> bool {
        config.hook.is_live
    }

    /// Notes that the build begins; once, however often the database is asked.
    pub async fn begin(&self, connection: &mut PgConnection) {
        if self.build.get().is_some() {
            return;
        }
        match deploys::begin(connection).await {
            Ok(Some(build)) => drop(self.build.set(build)),
            Ok(None) => {}
            Err(error) => warn("the build is not recorded", &error),
        }
    }

    /// Notes how it ended.
    pub fn finish(self, config: &Config, built: &Result<Report>) {
        let Some(build) = self.build.get() else { return };
        let outcome = match built {
            Ok(report) => Outcome::Succeeded {
                fingerprint: report.fingerprint.clone(),
                pages: report.pages,
                bytes: report.bytes,
                seen: report.changes.clone(),
            },
            Err(error) => Outcome::Failed { error: error.chain().join(": ") },
        };
        let took = self.began.elapsed();
        let done = with_database(config, async |connection| {
            deploys::finish(connection, *build, took, &outcome).await
        });
        if let Err(error) = done {
            warn("the end of the build is not recorded", &error);
        }
    }
}

/// Does some work on a connection of its own.
pub fn with_database<T>(
    config: &Config,
    work: impl AsyncFn(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let done = database.with_connection(work).await;
        database.close().await?;
        done
    })
}

fn warn(what: &str, error: &Error) {
    tracing::warn!("{what}: {}", error.chain().join(": "));
}
