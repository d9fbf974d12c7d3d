//! What is applied and what is not, without changing anything.

use std::collections::BTreeMap;

use sqlx::{Connection as _, PgConnection};

use super::Migrations;
use crate::db::errors::Explain as _;
use crate::error::Result;

/// One migration, known to the program or only to the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub version: i64,
    pub name: String,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Applied,
    Pending,
    /// Applied, but its file has changed since.
    Changed,
    /// Applied, but there is no file: a newer frieze did it, or the file is deleted.
    Unknown,
}

/// Every migration that is applied or asked for, in order; unknown ones last.
pub async fn status(connection: &mut PgConnection, migrations: &Migrations) -> Result<Vec<Status>> {
    let mut record = record(connection).await?;
    let mut list = Vec::new();
    for entry in migrations.all() {
        let state = match record.remove(&entry.version) {
            Some((_, checksum)) if checksum == *entry.up.checksum => State::Applied,
            Some(_) => State::Changed,
            None if migrations.active().any(|active| active.version == entry.version) => {
                State::Pending
            }
            None => continue,
        };
        list.push(Status { version: entry.version, name: entry.name.clone(), state });
    }
    let unknown = record.into_iter().map(|(version, (name, _))| Status {
        version,
        name,
        state: State::Unknown,
    });
    list.extend(unknown);
    Ok(list)
}

/// In one transaction: a pooler may lend another connection to the next.
async fn record(connection: &mut PgConnection) -> Result<BTreeMap<i64, (String, Vec<u8>)>> {
    let doing = "reading the record of migrations";
    let mut transaction = connection.begin().await.or_explain(doing)?;
    let connection = &mut *transaction;
    let exists: bool = sqlx::query_scalar("select to_regclass('frieze.migrations') is not null")
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(doing)?;
    if !exists {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, String, Vec<u8>)> =
        sqlx::query_as("select version, description, checksum from frieze.migrations")
            .persistent(false)
            .fetch_all(connection)
            .await
            .or_explain(doing)?;
    Ok(rows.into_iter().map(|(version, name, sum)| (version, (name, sum))).collect())
}
