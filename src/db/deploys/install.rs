//! Putting the triggers and the job into a database, and taking them away again.

use sqlx::PgConnection;

use super::extensions::{Extension, extensions};
use super::reads::{Reads, reads};
use super::settle::{Kept, settle};
use super::{JOB, KIT, NEEDED, watch};
use crate::config::Config;
use crate::db::errors::Explain as _;
use crate::db::migrate::{self, Migrations};
use crate::error::{Error, Result};

/// What is there now.
#[derive(Debug, Clone)]
pub struct Installed {
    pub reads: Reads,
    pub extensions: [Extension; 2],
    /// How often the job runs, if it does.
    pub schedule: Option<String>,
    pub hook: Kept,
}

/// What was taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    pub was_there: bool,
    pub tables: Vec<String>,
}

/// Brings triggers, settings and job to what the configuration says; any number of times. `idle` are
/// the columns whose change alone changes no page.
pub async fn install(
    connection: &mut PgConnection,
    config: &Config,
    idle: &[&str],
    migrations: &Migrations,
) -> Result<Installed> {
    migrate::up_only(connection, migrations, &NEEDED).await?;
    let extensions = extensions(connection, true).await?;
    let reads = reads(connection, config).await?;
    watch::watch(connection, config, idle, &reads).await?;
    let hook = settle(connection, &config.hook).await?;
    let schedule = if extensions.iter().all(|one| one.is_ready) {
        Some(schedule(connection).await?)
    } else {
        None
    };
    Ok(Installed { reads, extensions, schedule, hook })
}

/// Takes triggers, job, functions and settings away. The marks stay, which nobody adds to any more.
pub async fn remove(connection: &mut PgConnection, migrations: &Migrations) -> Result<Removed> {
    const DOING: &str = "looking what is installed";
    let sql = "select to_regclass('frieze.watched_tables') is not null";
    let there: bool = sqlx::query_scalar(sql)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(DOING)?;
    let mut tables = Vec::new();
    if there {
        tables = watch::unwatch_all(connection).await?;
    }
    let undone = migrate::down_only(connection, migrations, KIT).await?;
    Ok(Removed { was_there: undone, tables })
}

/// Lets `pg_cron` run the job as often as it can.
async fn schedule(connection: &mut PgConnection) -> Result<String> {
    const DOING: &str = "scheduling the job with pg_cron";
    let sql = "select coalesce((select string_to_array(split_part(extversion, '-', 1), '.')::int[] >= array[1, 5]
        from pg_extension where extname = 'pg_cron'), false)";
    let seconds: bool = sqlx::query_scalar(sql)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(DOING)?;
    let schedule = if seconds { "10 seconds" } else { "* * * * *" };
    sqlx::query("select cron.schedule($1, $2, 'select frieze.deploy_tick()')")
        .bind(JOB)
        .bind(schedule)
        .persistent(false)
        .execute(connection)
        .await
        .or_explain(DOING)?;
    Ok(if seconds { "every 10 seconds" } else { "every minute" }.to_owned())
}

/// The embedded database is made from `content/`: nobody edits it.
pub fn refuse_embedded(is_embedded: bool, variable: &str) -> Result<()> {
    if !is_embedded {
        return Ok(());
    }
    Err(Error::config(format!(
        "{variable} is not set: the embedded database is made from content/, and nothing in it is edited"
    ))
    .help(format!("set {variable} to the database whose changes are to be deployed")))
}
