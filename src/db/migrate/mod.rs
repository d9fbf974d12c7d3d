//! Bringing a database to the tables this program and the site expect, and back.
//!
//! sqlx keeps the record, in `frieze.migrations` instead of a table that an API would expose, and
//! its advisory lock lets any number of processes start this at once.

mod files;
mod status;
mod tables;
mod write;

use std::collections::HashMap;
use std::time::Duration;

use sqlx::PgConnection;
use sqlx::migrate::{Migrate as _, MigrateError, Migration};

pub use self::files::{ENGINE, Entry, Migrations, Origin};
pub use self::status::{State, Status, status};
pub use self::write::{Written, write};
use super::errors::{self, Explain as _};
use crate::error::{Error, Result};

const SCHEMA: &str = "frieze";
const TABLE: &str = "frieze.migrations";

/// What [`up`] or [`rollback`] did.
#[derive(Debug, Default, Clone)]
pub struct Applied {
    /// In the order they ran.
    pub steps: Vec<Step>,
    /// What this server cannot take, and why. The site works without.
    pub skipped: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub name: String,
    pub elapsed: Duration,
}

/// Applies what is not applied yet, each migration in a transaction of its own.
pub async fn up(connection: &mut PgConnection, migrations: &Migrations) -> Result<Applied> {
    lock(connection).await?;
    let result = up_locked(connection, migrations.active()).await;
    unlock(connection, result).await
}

/// The same for these built-in migrations alone, whether or not their kits are configured.
pub async fn up_only(
    connection: &mut PgConnection,
    migrations: &Migrations,
    versions: &[i64],
) -> Result<Applied> {
    lock(connection).await?;
    let wanted = migrations.all().filter(|entry| versions.contains(&entry.version));
    let result = up_locked(connection, wanted).await;
    unlock(connection, result).await
}

/// Undoes one migration, if it is applied; says whether it was.
pub async fn down_only(
    connection: &mut PgConnection,
    migrations: &Migrations,
    version: i64,
) -> Result<bool> {
    lock(connection).await?;
    let result = down_locked(connection, migrations, version).await;
    unlock(connection, result).await
}

async fn down_locked(
    connection: &mut PgConnection,
    migrations: &Migrations,
    version: i64,
) -> Result<bool> {
    let done = record(connection).await?;
    let entry = migrations.all().find(|entry| entry.version == version);
    let down = entry.and_then(|entry| Some((entry, entry.down.as_ref()?)));
    let Some((entry, down)) = down.filter(|_| done.contains_key(&version)) else {
        return Ok(false);
    };
    let undone = connection.revert(TABLE, down).await;
    undone.map_err(|error| failed(error, entry, down))?;
    Ok(true)
}

async fn up_locked(
    connection: &mut PgConnection,
    wanted: impl Iterator<Item = &Entry>,
) -> Result<Applied> {
    let done = record(connection).await?;
    let mut applied = Applied::default();
    for entry in wanted {
        if let Some(checksum) = done.get(&entry.version) {
            unchanged(entry, checksum)?;
        } else if let Some(why) = missing_extension(connection, entry).await? {
            applied.skipped.push((entry.name.clone(), why));
        } else {
            let elapsed = connection.apply(TABLE, &entry.up).await;
            let elapsed = elapsed.map_err(|error| failed(error, entry, &entry.up))?;
            applied.steps.push(Step { name: entry.name.clone(), elapsed });
        }
    }
    Ok(applied)
}

/// Undoes the last `steps` applied migrations, newest first.
pub async fn rollback(
    connection: &mut PgConnection,
    migrations: &Migrations,
    steps: usize,
) -> Result<Applied> {
    lock(connection).await?;
    let result = rollback_locked(connection, migrations, steps).await;
    unlock(connection, result).await
}

async fn rollback_locked(
    connection: &mut PgConnection,
    migrations: &Migrations,
    steps: usize,
) -> Result<Applied> {
    let done = record(connection).await?;
    let mut applied = Applied::default();
    let applied_entries = migrations.all().rev().filter(|entry| done.contains_key(&entry.version));
    for entry in applied_entries.take(steps) {
        let Some(down) = &entry.down else {
            return Err(Error::database(format!("{} has no way back", entry.name))
                .help(format!("write {}.down.sql beside it", entry.name)));
        };
        let elapsed = connection.revert(TABLE, down).await;
        let elapsed = elapsed.map_err(|error| failed(error, entry, down))?;
        applied.steps.push(Step { name: entry.name.clone(), elapsed });
    }
    Ok(applied)
}

/// Waits for others who migrate the same database, up to a minute.
async fn lock(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("set lock_timeout = '60s'")
        .execute(&mut *connection)
        .await
        .or_explain("preparing to migrate")?;
    connection
        .lock()
        .await
        .map_err(|error| plain(error, "waiting for other migrations of this database"))
}

async fn unlock<T>(connection: &mut PgConnection, result: Result<T>) -> Result<T> {
    let unlocked = connection.unlock().await;
    let reset = sqlx::raw_sql("reset lock_timeout").execute(&mut *connection).await;
    let value = result?;
    unlocked.map_err(|error| plain(error, "releasing the migrations' lock"))?;
    reset.or_explain("ending the migrations")?;
    Ok(value)
}

/// Versions and checksums of what is applied.
async fn record(connection: &mut PgConnection) -> Result<HashMap<i64, Vec<u8>>> {
    let doing = "preparing the record of migrations";
    connection.create_schema_if_not_exists(SCHEMA).await.map_err(|error| plain(error, doing))?;
    connection.ensure_migrations_table(TABLE).await.map_err(|error| plain(error, doing))?;
    sqlx::raw_sql("alter table frieze.migrations enable row level security")
        .execute(&mut *connection)
        .await
        .or_explain(doing)?;
    let applied = connection.list_applied_migrations(TABLE).await;
    let applied = applied.map_err(|error| plain(error, "reading the record of migrations"))?;
    Ok(applied.into_iter().map(|row| (row.version, row.checksum.into_owned())).collect())
}

fn unchanged(entry: &Entry, checksum: &[u8]) -> Result<()> {
    if *entry.up.checksum == *checksum {
        return Ok(());
    }
    Err(Error::database(format!("{} was changed after it was applied", entry.name))
        .help("undo the change, and put it into a new migration"))
}

/// Why this server cannot take a migration that needs an extension, if so.
async fn missing_extension(connection: &mut PgConnection, entry: &Entry) -> Result<Option<String>> {
    let Some(extension) = &entry.needs else { return Ok(None) };
    let known: Option<String> =
        sqlx::query_scalar("select name::text from pg_available_extensions where name = $1")
            .bind(extension)
            .fetch_optional(connection)
            .await
            .or_explain("listing the server's extensions")?;
    Ok(known.is_none().then(|| format!("this server has no extension \"{extension}\"")))
}

fn plain(error: MigrateError, doing: &str) -> Error {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            errors::explain_owner(error, doing)
        }
        other => Error::database(format!("{doing} failed")).because(other),
    }
}

/// A migration's error, with the line of its file where Postgres names one.
fn failed(error: MigrateError, entry: &Entry, migration: &Migration) -> Error {
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = error else {
        return plain(error, &entry.name);
    };
    let line = errors::line(&cause, migration.sql.as_str());
    let place = line.map_or_else(|| entry.name.clone(), |line| format!("{}:{line}", entry.name));
    errors::explain_owner(cause, &format!("the migration {place}"))
}
