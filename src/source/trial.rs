//! Each read of a build on its own, so that one refusal does not hide the next.

use indexmap::IndexMap;
use sqlx::{Connection as _, PgConnection};

use super::{LayoutRow, Row, layouts, read};
use crate::config::Config;
use crate::db;
use crate::error::Result;

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
    for collection in config.collections.values() {
        let mut savepoint = begin(transaction).await?;
        let rows = match read::become_role(&mut savepoint, &config.database.role).await {
            Ok(()) => read::collection(&mut savepoint, collection).await,
            Err(error) => Err(error),
        };
        end(savepoint).await?;
        trial.collections.insert(collection.name.clone(), rows);
    }
    if let Some(table) = &config.layouts {
        let mut savepoint = begin(transaction).await?;
        let rows = match read::become_role(&mut savepoint, &config.database.role).await {
            Ok(()) => layouts::all(&mut savepoint, table).await,
            Err(error) => Err(error),
        };
        end(savepoint).await?;
        trial.layouts = Some(rows);
    }
    Ok(trial)
}

async fn begin(conn: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    conn.begin().await.map_err(|error| db::explain(error, "trying to read"))
}

async fn end(savepoint: sqlx::Transaction<'_, sqlx::Postgres>) -> Result<()> {
    savepoint.rollback().await.map_err(|error| db::explain(error, "trying to read"))
}
