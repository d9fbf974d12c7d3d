//! Writing what differs, and writing down how it was left.

use sqlx::PgConnection;

use super::batch::{Batch, next_chunk};
use super::identity::Known;
use super::read::Row;
use super::state::{self, NewRecord};
use super::work::{Fate, Planned, Work};
use super::{Mode, statement};
use crate::error::Result;

impl Work<'_> {
    /// Inserts what is missing and updates what differs.
    pub async fn write(&mut self, conn: &mut PgConnection) -> Result<()> {
        let due = |is_there: bool| -> Vec<usize> {
            let due = |row: &Planned| row.is_due() && row.found.is_some() == is_there;
            (0..self.rows.len()).filter(|&index| due(&self.rows[index])).collect()
        };
        let (missing, present) = (due(false), due(true));
        for group in self.groups(&missing) {
            self.report.inserted += self.insert(conn, &group).await?;
        }
        if self.report.inserted > 0 {
            self.advance_sequences(conn).await?;
        }
        for group in self.groups(&present) {
            self.report.updated += self.update(conn, &group).await?;
        }
        let skipped = self.rows.iter().filter(|row| row.fate == Fate::Kept).count() as u64;
        self.report.skipped = skipped;
        let changed = self.report.inserted + self.report.updated + skipped;
        self.report.unchanged = (self.rows.len() as u64).saturating_sub(changed);
        Ok(())
    }

    async fn insert(&self, conn: &mut PgConnection, group: &[usize]) -> Result<u64> {
        let rows = self.known(group);
        let sql = statement::insert(self.table, &rows);
        let items = rows.iter().map(|row| ((), row.row, row.item(&[])));
        self.send(conn, &sql, items).await
    }

    async fn update(&self, conn: &mut PgConnection, group: &[usize]) -> Result<u64> {
        let rows = self.known(group);
        let vanished: Vec<Vec<&str>> =
            group.iter().map(|&index| self.vanished(&self.rows[index])).collect();
        let Some(sql) = statement::update(self.table, &rows, &vanished.concat(), self.mode) else {
            return Ok(0);
        };
        let items =
            rows.iter().zip(vanished).map(|(row, vanished)| ((), row.row, row.item(&vanished)));
        self.send(conn, &sql, items).await
    }

    pub(super) fn known(&self, group: &[usize]) -> Vec<&Known<'_>> {
        group.iter().map(|&index| &self.rows[index].known).collect()
    }

    async fn send<'r>(
        &self,
        conn: &mut PgConnection,
        sql: &str,
        mut items: impl Iterator<Item = ((), &'r Row, String)>,
    ) -> Result<u64> {
        let mut changed = 0;
        while let Some((_, items)) = next_chunk(&mut items) {
            changed += Batch { table: self.table, sql, items }.execute(conn).await?;
        }
        Ok(changed)
    }

    /// The columns that the row's file set the last time and no longer does.
    fn vanished(&self, row: &Planned) -> Vec<&str> {
        if self.mode != Mode::Mirror {
            return Vec::new();
        }
        let record = row.found.as_ref().and_then(|found| self.recorded.get(&found.key));
        let fields = record.map_or(&[][..], |record| record.fields.as_slice());
        let gone = fields.iter().filter(|name| {
            let column = self.table.column(name);
            let is_gone = !row.known.row.fields.contains_key(*name);
            let is_held = row.known.held.contains(name);
            is_gone && !is_held && column.is_some_and(|it| !it.is_generated)
        });
        gone.map(String::as_str).collect()
    }

    /// Writes down how the rows were left.
    pub async fn record(&self, conn: &mut PgConnection) -> Result<()> {
        let settled = |row: &&Planned| !matches!(row.fate, Fate::Done | Fate::Kept);
        let written = self.rows.iter().filter(settled);
        let records: Vec<NewRecord> = written.filter_map(|row| self.new_record(row)).collect();
        state::record(conn, &self.table.name, &records).await
    }

    fn new_record<'r>(&'r self, row: &'r Planned) -> Option<NewRecord<'r>> {
        let found = row.found.as_ref()?;
        let mut fields: Vec<&str> = row.known.row.fields.keys().map(String::as_str).collect();
        let own = fields.len();
        // What a push leaves as it is, mirroring sets back one day: it must not be forgotten.
        let before = self.recorded.get(&found.key).filter(|_| self.mode != Mode::Mirror);
        let before = before.map_or(&[][..], |record| record.fields.as_slice());
        let more = before.iter().filter(|name| !row.known.row.fields.contains_key(*name));
        fields.extend(more.map(String::as_str));
        let is_whole = fields.len() == own;
        Some(NewRecord {
            key: serde_json::from_str(&found.key).ok()?,
            file: &row.known.row.file,
            fields,
            hash: if is_whole { row.hash.clone() } else { state::in_part(&row.hash) },
            version: &found.version,
        })
    }
}
