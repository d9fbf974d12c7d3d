//! Each read of a build on its own, so that one refusal does not hide the next.

use indexmap::IndexMap;
use sqlx::{Connection as _, PgConnection};

use super::texts::{NEAR, Shelf};
use super::{LayoutRow, Row, layouts, read};
use crate::config::{Collection, Config};
use crate::db;
use crate::error::Result;
use crate::theme::Touched;

/// What each read gave, or why it was refused.
#[derive(Debug, Default)]
pub struct Trial {
    pub collections: IndexMap<String, Result<Vec<Row>>>,
    /// Every published layout, the highest version of each page first; none where the site has
    /// no layouts.
    pub layouts: Option<Result<Vec<LayoutRow>>>,
}

/// Reads as a build does, within a transaction; nothing of the role is left behind.
pub async fn attempt(transaction: &mut PgConnection, config: &Config) -> Result<Trial> {
    let mut trial = Trial::default();
    let role = &config.database.role;
    let mut shelf = Shelf::new(NEAR);
    for collection in config.collections.values() {
        let mut savepoint = begin(transaction).await?;
        let rows = rows(&mut savepoint, config, collection, &mut shelf).await;
        end(savepoint).await?;
        trial.collections.insert(collection.name.clone(), still_there(rows)?);
    }
    if let Some(table) = &config.layouts {
        let mut savepoint = begin(transaction).await?;
        let rows = versions(&mut savepoint, table, role).await;
        end(savepoint).await?;
        trial.layouts = Some(still_there(rows)?);
    }
    Ok(trial)
}

async fn rows(
    conn: &mut PgConnection,
    config: &Config,
    collection: &Collection,
    shelf: &mut Shelf,
) -> Result<Vec<Row>> {
    let role = config.database.role.as_str();
    read::become_role(conn, role).await?;
    let lent = std::mem::replace(shelf, Shelf::new(0));
    let touched = &Touched::default();
    let mut reader = read::Reader { conn, role, recorder: None, shelf: lent, config, touched };
    let rows = reader.collection(collection).await;
    *shelf = reader.shelf;
    rows
}

async fn versions(conn: &mut PgConnection, table: &str, role: &str) -> Result<Vec<LayoutRow>> {
    read::become_role(conn, role).await?;
    let stored = layouts::all(conn, table, role).await?;
    stored.into_iter().map(layouts::Stored::parse).collect()
}

/// A server that went away refuses nothing.
fn still_there<T>(read: Result<T>) -> Result<Result<T>> {
    match read {
        Err(error) if error.absence().is_some() => Err(error),
        read => Ok(read),
    }
}

async fn begin(conn: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    conn.begin().await.map_err(|error| db::explain_owner(error, "trying to read"))
}

async fn end(savepoint: sqlx::Transaction<'_, sqlx::Postgres>) -> Result<()> {
    savepoint.rollback().await.map_err(|error| db::explain_owner(error, "trying to read"))
}
