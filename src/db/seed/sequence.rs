//! Sequences: rows that bring their own numbers must not stand in the way of those to come.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::refusal::failed;
use super::statement::literal;
use super::work::Work;
use crate::error::Result;

impl Work<'_> {
    /// Moves the sequences of columns on which files gave values past the largest of them: one that
    /// was never called gives its `last_value` first. Those that count down are left alone. Whoever
    /// may not do that may still seed.
    pub(super) async fn advance_sequences(&self, conn: &mut PgConnection) -> Result<()> {
        let is_given =
            |name: &str| self.rows.iter().any(|row| row.known.row.fields.contains_key(name));
        let numbers = self.table.columns.iter().filter(|column| {
            matches!(column.kind.as_str(), "smallint" | "integer" | "bigint")
                && is_given(&column.name)
        });
        let names: Vec<&str> = numbers.map(|column| column.name.as_str()).collect();
        if names.is_empty() {
            return Ok(());
        }
        let doing = |error| failed("looking for sequences", error);
        let sql = "select name, sequence from unnest($2::text[]) as name \
            cross join pg_get_serial_sequence($1, name) as sequence where sequence is not null";
        let owned: Vec<(String, String)> = sqlx::query_as(sql)
            .persistent(false)
            .bind(&self.table.sql)
            .bind(names)
            .fetch_all(&mut *conn)
            .await
            .map_err(doing)?;
        for (column, sequence) in owned {
            let column = self.table.column(&column).map_or("", |column| &column.sql);
            let sql = format!(
                "select setval({name}, largest) from {sequence} as s, pg_sequence as p, \
                 (select max({column}) as largest from {}) as t \
                 where p.seqrelid = {name}::regclass and p.seqincrement > 0 \
                 and case when s.is_called then largest > s.last_value else largest >= s.last_value end",
                self.table.sql,
                name = literal(&sequence),
            );
            let mut savepoint = conn.begin().await.map_err(doing)?;
            let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
            let end = match query.execute(&mut *savepoint).await {
                Ok(_) => savepoint.commit().await,
                Err(_) => savepoint.rollback().await,
            };
            end.map_err(doing)?;
        }
        Ok(())
    }
}
