//! Sending many rows in one statement, and finding the one that Postgres refuses.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Transaction};

use super::catalog::Table;
use super::read::Row;
use super::refusal;
use crate::error::{Error, Result};

/// How much JSON one statement takes: large enough for few round trips, small enough for the
/// memory of the embedded Postgres.
const BYTES: usize = 4 * 1024 * 1024;

/// Rows and the statement that takes them.
pub(in crate::db) struct Batch<'a> {
    pub table: &'a Table,
    pub sql: &'a str,
    /// The rows and each one's JSON.
    pub items: Vec<(&'a Row, String)>,
}

/// What [`look`](super::statement::look) answers: place in the batch from 1, key, version.
pub(in crate::db) type Answer = (i64, String, String);

impl Batch<'_> {
    /// Runs the statement; how many rows it changed.
    pub async fn execute(&self, conn: &mut PgConnection) -> Result<u64> {
        let mut savepoint = self.begin(conn).await?;
        let done = run(&mut savepoint, self.sql, &self.items).await;
        self.finish(savepoint, done.is_ok()).await?;
        match done {
            Ok(changed) => Ok(changed),
            Err(error) => Err(self.explain(conn, error).await?),
        }
    }

    /// Runs the statement and returns its rows.
    pub async fn fetch(&self, conn: &mut PgConnection) -> Result<Vec<Answer>> {
        let mut savepoint = self.begin(conn).await?;
        let query =
            sqlx::query_as(AssertSqlSafe(self.sql)).persistent(false).bind(array(&self.items));
        let answers = query.fetch_all(&mut *savepoint).await;
        self.finish(savepoint, answers.is_ok()).await?;
        match answers {
            Ok(answers) => Ok(answers),
            Err(error) => Err(self.explain(conn, error).await?),
        }
    }

    /// What to say of an error: about the row at fault, if it is a row's.
    async fn explain(&self, conn: &mut PgConnection, error: sqlx::Error) -> Result<Error> {
        if refusal::is_about_a_row(&error) {
            let mut savepoint = self.begin(conn).await?;
            let culprit = self.culprit(&mut savepoint).await?;
            if let Some((row, error)) = culprit {
                return refusal::explain(&mut savepoint, self.table, row, error).await;
            }
        }
        Ok(refusal::failed(&self.doing(), error))
    }

    /// Halves the batch until one row is left: the first that fails once those before it are in.
    async fn culprit(&self, conn: &mut PgConnection) -> Result<Option<(&Row, sqlx::Error)>> {
        let mut suspects = self.items.as_slice();
        while suspects.len() > 1 {
            let (first, second) = suspects.split_at(suspects.len() / 2);
            let mut savepoint = self.begin(conn).await?;
            let is_fine = run(&mut savepoint, self.sql, first).await.is_ok();
            self.finish(savepoint, is_fine).await?;
            suspects = if is_fine { second } else { first };
        }
        let mut savepoint = self.begin(conn).await?;
        let error = run(&mut savepoint, self.sql, suspects).await.err();
        self.finish(savepoint, false).await?;
        Ok(suspects.first().map(|(row, _)| *row).zip(error))
    }

    fn doing(&self) -> String {
        format!("seeding {}", self.table.name)
    }

    async fn begin<'c>(&self, conn: &'c mut PgConnection) -> Result<Transaction<'c, Postgres>> {
        conn.begin().await.map_err(|error| refusal::failed(&self.doing(), error))
    }

    async fn finish(&self, savepoint: Transaction<'_, Postgres>, keep: bool) -> Result<()> {
        let end = if keep { savepoint.commit().await } else { savepoint.rollback().await };
        end.map_err(|error| refusal::failed(&self.doing(), error))
    }
}

async fn run(conn: &mut PgConnection, sql: &str, items: &[(&Row, String)]) -> sqlx::Result<u64> {
    let query = sqlx::query(AssertSqlSafe(sql)).persistent(false).bind(array(items));
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

/// What came with each row, and the rows as a batch has them.
pub(in crate::db) type Chunk<'r, T> = (Vec<T>, Vec<(&'r Row, String)>);

/// Takes rows worth about [`BYTES`] of JSON; none if there are no more.
pub(in crate::db) fn next_chunk<'r, T>(
    rows: &mut impl Iterator<Item = (T, &'r Row, String)>,
) -> Option<Chunk<'r, T>> {
    let (mut tags, mut items, mut bytes) = (Vec::new(), Vec::new(), 0);
    for (tag, row, json) in rows {
        bytes += json.len();
        tags.push(tag);
        items.push((row, json));
        if bytes >= BYTES {
            break;
        }
    }
    (!items.is_empty()).then_some((tags, items))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sent_in_pieces() {
        let row = Row::default();
        let mut rows = (0..5).map(|n| (n, &row, "x".repeat(BYTES / 2)));
        let mut sizes = Vec::new();
        while let Some((tags, items)) = next_chunk(&mut rows) {
            assert_eq!(tags.len(), items.len());
            sizes.push(tags.len());
        }
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn items_become_one_array() {
        let row = Row::default();
        assert_eq!(array(&[]), "[]");
        assert_eq!(array(&[(&row, "1".to_owned()), (&row, "2".to_owned())]), "[1,2]");
    }
}
