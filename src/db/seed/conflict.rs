//! Pushing into a database that people edit too: which of the rows that differ must be kept.

use serde::Deserialize;
use sqlx::PgConnection;

use super::batch::{Batch, next_chunk};
use super::work::{Fate, Found, Work};
use super::{Conflict, Mode, statement};
use crate::error::{Error, Result};

/// What the database says of a row and its file's.
#[derive(Debug, Deserialize)]
struct Verdict {
    version: String,
    differs: bool,
    /// Whether the database's `updated_at` is later than the file's; none if the file has none.
    newer: Option<bool>,
    database: Option<String>,
    file: Option<String>,
}

impl Work<'_> {
    /// Locks the rows that are to be changed, so that nobody edits them between now and the
    /// writing, and keeps those that are newer than their file.
    pub async fn weigh(&mut self, conn: &mut PgConnection) -> Result<()> {
        let due = |index: &usize| self.rows[*index].is_due() && self.rows[*index].found.is_some();
        let due: Vec<usize> = (0..self.rows.len()).filter(due).collect();
        for group in self.groups(&due) {
            for index in &group {
                self.rows[*index].found = None;
            }
            for (index, key, verdict) in self.verdicts(conn, &group).await? {
                self.settle(index, key, verdict);
            }
        }
        Ok(())
    }

    async fn verdicts(
        &self,
        conn: &mut PgConnection,
        group: &[usize],
    ) -> Result<Vec<(usize, String, Verdict)>> {
        let known = self.known(group);
        let Some(sql) = statement::weigh(self.table, &known, self.mode) else {
            return Ok(Vec::new());
        };
        let mut items = group.iter().zip(&known).map(|(&n, known)| (n, known.row, known.item(&[])));
        let mut verdicts = Vec::with_capacity(group.len());
        while let Some((indexes, items)) = next_chunk(&mut items) {
            let batch = Batch { table: self.table, sql: &sql, items };
            for (n, key, verdict) in batch.fetch(conn).await? {
                let Some(index) = usize::try_from(n - 1).ok().and_then(|n| indexes.get(n)) else {
                    continue;
                };
                let verdict = serde_json::from_str(&verdict).map_err(|error| {
                    Error::database("the database compared a row in an unknown way").because(error)
                })?;
                verdicts.push((*index, key, verdict));
            }
        }
        Ok(verdicts)
    }

    fn settle(&mut self, index: usize, key: String, verdict: Verdict) {
        let record = self.recorded.get(&key);
        let is_ours = record.is_some_and(|record| record.version == verdict.version);
        // A file without a time of its own cannot be newer than a row that others changed.
        let is_newer = !is_ours && verdict.newer.unwrap_or(true);
        let row = &mut self.rows[index];
        row.fate = match (verdict.differs, is_newer && self.mode == Mode::Push) {
            (false, _) => Fate::Same,
            (true, false) => Fate::Due,
            (true, true) => Fate::Kept,
        };
        if row.fate == Fate::Kept {
            self.conflicts.push(Conflict {
                table: self.table.name.clone(),
                key: serde_json::from_str(&key).unwrap_or_default(),
                file: row.known.row.path.clone(),
                line: row.known.row.line,
                in_database: verdict.database,
                in_file: verdict.file,
            });
        }
        row.found = Some(Found { key, version: verdict.version });
    }
}
