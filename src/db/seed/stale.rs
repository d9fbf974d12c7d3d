//! Rows that came from content files and have left them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::refusal;
use super::work::Work;
use super::{Mode, state, statement};
use crate::error::{Error, Result};

impl Work<'_> {
    /// The recorded keys of rows that no file holds any more.
    pub fn stale(&self) -> BTreeSet<String> {
        if self.mode != Mode::Mirror {
            return BTreeSet::new();
        }
        let found = self.rows.iter().filter_map(|row| row.found.as_ref());
        let live: HashSet<&str> = found.map(|found| found.key.as_str()).collect();
        self.recorded.keys().filter(|key| !live.contains(key.as_str())).cloned().collect()
    }

    /// Deletes the stale rows and forgets them.
    pub async fn delete_stale(&mut self, conn: &mut PgConnection) -> Result<()> {
        let stale = self.stale();
        if stale.is_empty() {
            return Ok(());
        }
        let mut deleted = 0;
        for (columns, keys) in self.by_columns(&stale) {
            let sql = statement::delete(self.table, &columns);
            let query = sqlx::query(sqlx::AssertSqlSafe(sql))
                .persistent(false)
                .bind(format!("[{}]", keys.join(",")));
            let done = query.execute(&mut *conn).await.map_err(|error| self.held(&stale, error))?;
            deleted += done.rows_affected();
        }
        state::forget(conn, &self.table.name, &stale).await?;
        self.recorded.retain(|key, _| !stale.contains(key));
        self.report.deleted += deleted;
        Ok(())
    }

    /// Keys by the columns they name, in case the table's primary key was changed. One that names
    /// a column the table has lost cannot be found any more.
    fn by_columns<'k>(&self, keys: &'k BTreeSet<String>) -> BTreeMap<Vec<String>, Vec<&'k str>> {
        let mut groups: BTreeMap<Vec<String>, Vec<&str>> = BTreeMap::new();
        for key in keys {
            let parsed: Map<String, Value> = serde_json::from_str(key).unwrap_or_default();
            let columns: Vec<String> = parsed.into_iter().map(|(column, _)| column).collect();
            if !columns.is_empty() && columns.iter().all(|name| self.table.column(name).is_some()) {
                groups.entry(columns).or_default().push(key);
            }
        }
        groups
    }

    /// Rows of other tables may still refer to a stale one.
    fn held(&self, stale: &BTreeSet<String>, error: sqlx::Error) -> Error {
        let table = &self.table.name;
        let Some(cause) = refusal::foreign_key(&error) else {
            return refusal::failed(
                &format!("deleting the rows of {table} that left content"),
                error,
            );
        };
        let files =
            stale.iter().filter_map(|key| self.recorded.get(key)).map(|it| it.file.as_str());
        let files = files.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ");
        Error::content(format!("a row of {table} left content ({files}), but others refer to it"))
            .because(cause)
            .help("put the row back, or first remove the rows that refer to it")
    }
}
