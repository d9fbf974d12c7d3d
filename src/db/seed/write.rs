//! Writing what differs, and writing down how it was left.

use sqlx::PgConnection;

use super::batch::{Batch, next_chunk};
use super::identity::Known;
use super::read::Row;
use super::state::{self, NewRecord};
use super::statement;
use super::work::{Planned, Work};
use crate::error::Result;

impl Work<'_> {
    /// Inserts what is missing and updates what differs.
    pub async fn write(&mut self, conn: &mut PgConnection) -> Result<()> {
        let due = |is_there: bool| -> Vec<usize> {
            let due = |row: &Planned| !row.is_done && row.found.is_some() == is_there;
            (0..self.rows.len()).filter(|&index| due(&self.rows[index])).collect()
        };
        let (missing, present) = (due(false), due(true));
        for group in self.groups(&missing) {
            self.report.inserted += self.insert(conn, &group).await?;
        }
        for group in self.groups(&present) {
            self.report.updated += self.update(conn, &group).await?;
        }
        let changed = self.report.inserted + self.report.updated;
        self.report.unchanged = (self.rows.len() as u64).saturating_sub(changed);
        Ok(())
    }

    async fn insert(&self, conn: &mut PgConnection, group: &[usize]) -> Result<u64> {
        let rows = self.known(group);
        let sql = statement::insert(self.table, &rows);
        let items = rows.iter().map(|row| ((), row.row, format!("{{\"d\":{}}}", row.document())));
        self.send(conn, &sql, items).await
    }

    async fn update(&self, conn: &mut PgConnection, group: &[usize]) -> Result<u64> {
        let rows = self.known(group);
        let vanished: Vec<Vec<&str>> =
            group.iter().map(|&index| self.vanished(&self.rows[index])).collect();
        let Some(sql) = statement::update(self.table, &rows, &vanished.concat()) else {
            return Ok(0);
        };
        let items = rows.iter().zip(vanished).map(|(row, vanished)| {
            let vanished = serde_json::Value::from(vanished);
            ((), row.row, format!("{{\"d\":{},\"v\":{vanished}}}", row.document()))
        });
        self.send(conn, &sql, items).await
    }

    fn known(&self, group: &[usize]) -> Vec<&Known<'_>> {
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
        let record = row.found.as_ref().and_then(|found| self.recorded.get(&found.key));
        let fields = record.map_or(&[][..], |record| record.fields.as_slice());
        let gone = fields.iter().filter(|name| {
            let column = self.table.column(name);
            !row.known.row.fields.contains_key(*name) && column.is_some_and(|it| !it.is_generated)
        });
        gone.map(String::as_str).collect()
    }

    /// Writes down how the rows were left.
    pub async fn record(&self, conn: &mut PgConnection) -> Result<()> {
        let written = self.rows.iter().filter(|row| !row.is_done);
        let records: Vec<NewRecord> = written.filter_map(new_record).collect();
        state::record(conn, &self.table.name, &records).await
    }
}

fn new_record<'a>(row: &'a Planned) -> Option<NewRecord<'a>> {
    let found = row.found.as_ref()?;
    Some(NewRecord {
        key: serde_json::from_str(&found.key).ok()?,
        file: &row.known.row.file,
        fields: row.known.row.fields.keys().map(String::as_str).collect(),
        hash: &row.hash,
        version: &found.version,
    })
}
