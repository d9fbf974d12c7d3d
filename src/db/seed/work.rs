//! One table's part of a sync: what its rows shall be, and what they are.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use rayon::prelude::*;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::batch::{Batch, next_chunk};
use super::catalog::Table;
use super::identity::{self, Known};
use super::read::Row;
use super::state::{self, Record};
use super::{Conflict, Mode, TableReport, check, statement};
use crate::error::{Error, Result};

/// A table, the rows it shall have, and what it has now.
pub(super) struct Work<'a> {
    pub table: &'a Table,
    pub(super) rows: Vec<Planned<'a>>,
    /// What the last run left, by key.
    pub(super) recorded: HashMap<String, Record>,
    pub(super) mode: Mode,
    pub report: TableReport,
    pub conflicts: Vec<Conflict>,
    /// What models wrote and persons say now: rows, and the lines that tell of it.
    pub(super) adopted: Vec<(usize, Uuid)>,
}

pub(super) struct Planned<'a> {
    pub known: Known<'a>,
    /// Of the row and the table's shape: see [`Known::hash`].
    pub hash: String,
    pub found: Option<Found>,
    pub fate: Fate,
    /// Columns of which the database knows that models wrote them.
    pub noted: BTreeSet<String>,
}

/// What is to be done about a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Neither the file nor the row has changed since the last run.
    Done,
    /// It has to be written, if it differs.
    Due,
    /// It says what the file says.
    Same,
    /// The database's is newer than the file's.
    Kept,
}

/// A row as the table has it.
pub(super) struct Found {
    pub key: String,
    pub version: String,
}

impl<'a> Work<'a> {
    /// Checks the rows and prepares them; asks the database nothing.
    pub fn new(table: &'a Table, rows: &'a [Row], mode: Mode) -> Result<Self> {
        check::check(table, rows)?;
        let known = identity::identify(table, rows)?;
        let planned = known.into_par_iter().map(|known| {
            let hash = known.hash(table);
            Planned { known, hash, found: None, fate: Fate::Due, noted: BTreeSet::new() }
        });
        let rows = planned.collect();
        let (recorded, report, conflicts, adopted) = Default::default();
        Ok(Self { table, rows, recorded, mode, report, conflicts, adopted })
    }

    /// Finds out which rows are there, and which of them have not changed since the last run.
    pub async fn compare(&mut self, conn: &mut PgConnection) -> Result<()> {
        self.recorded = state::load(conn, &self.table.name).await?;
        self.look(conn, &(0..self.rows.len()).collect::<Vec<_>>()).await?;
        self.reject_doubles()?;
        for row in &mut self.rows {
            let is_done = row.is_as_recorded(&self.recorded, self.mode);
            row.fate = if is_done { Fate::Done } else { Fate::Due };
        }
        Ok(())
    }

    /// The same of a few of the table's rows: those that are there must have come from `file`. False
    /// where they have not.
    pub async fn compare_few(&mut self, conn: &mut PgConnection, file: &str) -> Result<bool> {
        self.look(conn, &(0..self.rows.len()).collect::<Vec<_>>()).await?;
        let found = self.rows.iter().filter_map(|row| row.found.as_ref());
        let keys: Vec<&str> = found.map(|found| found.key.as_str()).collect();
        self.recorded = state::some(conn, &self.table.name, &keys).await?;
        self.reject_doubles()?;
        for row in &mut self.rows {
            let is_done = row.is_as_recorded(&self.recorded, self.mode);
            row.fate = if is_done { Fate::Done } else { Fate::Due };
        }
        let found = self.rows.iter().filter_map(|row| row.found.as_ref());
        let mut records = found.map(|found| self.recorded.get(&found.key));
        Ok(records.all(|record| record.is_some_and(|record| record.file == file)))
    }

    /// Looks again: every row of the files must now be one row of the table.
    pub async fn verify(&mut self, conn: &mut PgConnection, everything: bool) -> Result<()> {
        let which =
            (0..self.rows.len()).filter(|&index| everything || self.rows[index].fate != Fate::Done);
        self.look(conn, &which.collect::<Vec<_>>()).await?;
        self.reject_doubles()?;
        let lost = self.rows.iter().find(|row| row.found.is_none());
        lost.map_or(Ok(()), |row| Err(self.lost(row.known.row)))
    }

    fn lost(&self, row: &Row) -> Error {
        let (place, table) = (row.place(), &self.table.name);
        Error::content(format!(
            "{place}: the row was written, but {table} does not have it afterwards"
        ))
        .help("a trigger, rule or policy of the table drops the row or changes its key: look there")
    }

    /// Looks rows up by what they are known by.
    async fn look(&mut self, conn: &mut PgConnection, which: &[usize]) -> Result<()> {
        for group in self.groups(which) {
            let sql = statement::look(self.table, self.rows[group[0]].known.by);
            let rows = &self.rows;
            let mut keys = group.iter().map(|&index| {
                let known = &rows[index].known;
                (index, known.row, Value::Object(known.key()).to_string())
            });
            let mut answers = Vec::with_capacity(group.len());
            while let Some((indexes, items)) = next_chunk(&mut keys) {
                let batch = Batch { table: self.table, sql: &sql, items };
                for (n, key, version) in batch.fetch(conn).await? {
                    let index = usize::try_from(n - 1).ok().and_then(|n| indexes.get(n)).copied();
                    answers.extend(index.map(|index| (index, Found { key, version })));
                }
            }
            for &index in &group {
                self.rows[index].found = None;
            }
            for (index, found) in answers {
                self.rows[index].found = Some(found);
            }
        }
        Ok(())
    }

    /// Rows by the columns they are known by, which the rows of one statement share.
    pub(super) fn groups(&self, which: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: IndexMap<(&[String], bool), Vec<usize>> = IndexMap::new();
        for &index in which {
            let known = &self.rows[index].known;
            groups.entry((known.by, known.is_by_made_id())).or_default().push(index);
        }
        groups.into_values().collect()
    }

    /// Values that differ as text may be one to Postgres (`2024-1-1`, a UUID in capitals).
    fn reject_doubles(&self) -> Result<()> {
        let mut seen: HashMap<&str, &Row> = HashMap::new();
        for row in &self.rows {
            let Some(found) = &row.found else { continue };
            if let Some(first) = seen.insert(&found.key, row.known.row) {
                return Err(identity::double(self.table, row.known.by, first, row.known.row));
            }
        }
        Ok(())
    }
}

impl Planned<'_> {
    fn is_as_recorded(&self, recorded: &HashMap<String, Record>, mode: Mode) -> bool {
        let Some(found) = &self.found else { return false };
        let Some(record) = recorded.get(&found.key) else { return false };
        let is_same = record.hash == self.hash
            || (mode != Mode::Mirror && record.hash == state::in_part(&self.hash));
        is_same && record.version == found.version
    }

    pub fn is_due(&self) -> bool {
        self.fate == Fate::Due
    }
}
