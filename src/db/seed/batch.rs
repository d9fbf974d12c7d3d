//! Sending many rows in one statement, and finding the one that Postgres refuses.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::catalog::Table;
use super::read::Row;
use super::refusal;
use crate::error::Result;

/// How much JSON one statement takes: large enough to be one round trip for a site, small enough
/// for the embedded Postgres's memory.
const BYTES: usize = 4 * 1024 * 1024;

/// Rows and the statement that takes them.
pub(super) struct Batch<'a> {
    pub table: &'a Table,
    pub sql: String,
    /// The rows and each one's JSON.
    pub items: Vec<(&'a Row, String)>,
}

/// An answer to [`look`](super::statement::look).
pub(super) type Answer = (i64, String, String);

impl Batch<'_> {
    /// Runs the statement; how many rows it changed.
    pub async fn execute(&self, conn: &mut PgConnection) -> Result<u64> {
        let mut savepoint = begin(conn).await?;
        match run(&mut savepoint, &self.sql, &self.items).await {
            Ok(changed) => {
                savepoint.commit().await.map_err(|error| refusal::failed("seeding", error))?;
                Ok(changed)
            }
            Err(error) => {
                savepoint.rollback().await.map_err(|error| refusal::failed("seeding", error))?;
                Err(self.explain(conn, error).await?)
            }
        }
    }

    /// Runs the statement and returns its rows.
    pub async fn fetch(&self, conn: &mut PgConnection) -> Result<Vec<Answer>> {
        let mut savepoint = begin(conn).await?;
        let query = sqlx::query_as(AssertSqlSafe(self.sql.as_str()));
        match query.bind(array(&self.items)).fetch_all(&mut *savepoint).await {
            Ok(rows) => {
                savepoint.commit().await.map_err(|error| refusal::failed("seeding", error))?;
                Ok(rows)
            }
            Err(error) => {
                savepoint.rollback().await.map_err(|error| refusal::failed("seeding", error))?;
                Err(self.explain(conn, error).await?)
            }
        }
    }

    /// Halves the batch until one row is left: the first that fails once those before it are in.
    async fn explain(
        &self,
        conn: &mut PgConnection,
        error: sqlx::Error,
    ) -> Result<crate::error::Error> {
        let doing = format!("seeding {}", self.table.name);
        if !refusal::is_about_a_row(&error) {
            return Ok(refusal::failed(&doing, error));
        }
        let mut outer = begin(conn).await?;
        let mut suspects = self.items.as_slice();
        while suspects.len() > 1 {
            let (first, second) = suspects.split_at(suspects.len() / 2);
            let mut savepoint = begin(&mut outer).await?;
            if run(&mut savepoint, &self.sql, first).await.is_ok() {
                savepoint.commit().await.map_err(|error| refusal::failed(&doing, error))?;
                suspects = second;
            } else {
                savepoint.rollback().await.map_err(|error| refusal::failed(&doing, error))?;
                suspects = first;
            }
        }
        let mut savepoint = begin(&mut outer).await?;
        let culprit = run(&mut savepoint, &self.sql, suspects).await.err();
        savepoint.rollback().await.map_err(|error| refusal::failed(&doing, error))?;
        match (suspects.first(), culprit) {
            (Some((row, _)), Some(culprit)) => {
                refusal::explain(&mut outer, self.table, row, culprit).await
            }
            _ => Ok(refusal::failed(&doing, error)),
        }
    }
}

async fn begin(conn: &mut PgConnection) -> Result<sqlx::Transaction<'_, sqlx::Postgres>> {
    conn.begin().await.map_err(|error| refusal::failed("seeding", error))
}

async fn run(conn: &mut PgConnection, sql: &str, items: &[(&Row, String)]) -> sqlx::Result<u64> {
    let query = sqlx::query(AssertSqlSafe(sql)).bind(array(items));
    query.execute(conn).await.map(|done| done.rows_affected())
}

fn array(items: &[(&Row, String)]) -> String {
    let mut json = String::with_capacity(items.iter().map(|(_, item)| item.len() + 1).sum());
    for (_, item) in items {
        json.push(if json.is_empty() { '[' } else { ',' });
        json.push_str(item);
    }
    json.push_str(if json.is_empty() { "[]" } else { "]" });
    json
}

/// Cuts items into batches of about [`BYTES`].
pub(super) fn chunks<T>(items: Vec<(T, String)>) -> Vec<Vec<(T, String)>> {
    let mut chunks: Vec<Vec<_>> = Vec::new();
    let mut bytes = BYTES;
    for item in items {
        if bytes >= BYTES {
            chunks.push(Vec::new());
            bytes = 0;
        }
        bytes += item.1.len();
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(item);
        }
    }
    chunks
}
