//! One table's part of a sync: compare, delete, write, verify.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;
use sqlx::PgConnection;

use super::batch::{Batch, chunks};
use super::catalog::Table;
use super::identity::{self, Known};
use super::read::Row;
use super::state::{self, NewRecord, Record};
use super::{Mode, TableReport, check, statement};
use crate::error::{Error, Result};

/// A table, the rows it shall have, and what it has now.
pub(super) struct Work<'a> {
    pub table: &'a Table,
    rows: Vec<Planned<'a>>,
    /// What the last run left, by key; empty when pushing.
    recorded: HashMap<String, Record>,
    pub report: TableReport,
}

struct Planned<'a> {
    known: Known<'a>,
    hash: String,
    found: Option<Found>,
    /// Whether the row needs no statement.
    is_done: bool,
}

/// A row as the table has it.
#[derive(Clone)]
struct Found {
    key: String,
    version: String,
}

impl<'a> Work<'a> {
    /// Checks the rows and prepares them; asks the database nothing.
    pub fn new(table: &'a Table, rows: &'a [Row]) -> Result<Self> {
        check::check(table, rows)?;
        let known = identity::identify(table, rows)?;
        let rows = known.into_par_iter().map(|known| {
            let hash = hash(table, &known);
            Planned { known, hash, found: None, is_done: false }
        });
        let rows = rows.collect();
        Ok(Self { table, rows, recorded: HashMap::new(), report: TableReport::default() })
    }

    /// Finds out which rows are there, and which of them have not changed since the last run.
    pub async fn compare(&mut self, conn: &mut PgConnection, mode: Mode) -> Result<()> {
        if mode == Mode::Mirror {
            self.recorded = state::load(conn, &self.table.name).await?;
        }
        let all: Vec<usize> = (0..self.rows.len()).collect();
        self.look(conn, &all).await?;
        self.reject_doubles()?;
        for row in &mut self.rows {
            row.is_done = row.found.as_ref().is_some_and(|found| {
                let record = self.recorded.get(&found.key);
                record.is_some_and(|it| it.hash == row.hash && it.version == found.version)
            });
        }
        Ok(())
    }

    /// Looks rows up by what they are known by.
    async fn look(&mut self, conn: &mut PgConnection, which: &[usize]) -> Result<()> {
        for group in self.groups(which) {
            let by = self.rows[group[0]].known.by;
            let keys = group.iter().map(|&index| {
                let known = &self.rows[index].known;
                (index, serde_json::Value::Object(known.key()).to_string())
            });
            for chunk in chunks(keys.collect()) {
                let indexes: Vec<usize> = chunk.iter().map(|(index, _)| *index).collect();
                let items = chunk.into_iter().map(|(index, key)| (self.rows[index].known.row, key));
                let batch = Batch {
                    table: self.table,
                    sql: statement::look(self.table, by),
                    items: items.collect(),
                };
                for &index in &indexes {
                    self.rows[index].found = None;
                }
                for (n, key, version) in batch.fetch(conn).await? {
                    let place = usize::try_from(n - 1).ok().and_then(|n| indexes.get(n));
                    if let Some(&index) = place {
                        self.rows[index].found = Some(Found { key, version });
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows by the columns they are known by, which one statement has to share.
    fn groups(&self, which: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: indexmap::IndexMap<(&[String], bool), Vec<usize>> =
            indexmap::IndexMap::new();
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

    /// The keys of rows that came from content and are no longer in it.
    pub fn stale(&self) -> Vec<String> {
        let found = self.rows.iter().filter_map(|row| row.found.as_ref());
        let live: HashSet<&str> = found.map(|found| found.key.as_str()).collect();
        let mut stale: Vec<String> =
            self.recorded.keys().filter(|key| !live.contains(key.as_str())).cloned().collect();
        stale.sort();
        stale
    }

    /// Deletes the stale rows, and forgets them.
    pub async fn delete(&mut self, conn: &mut PgConnection) -> Result<()> {
        let stale = self.stale();
        let mut by_columns: HashMap<Vec<String>, Vec<&str>> = HashMap::new();
        for key in &stale {
            let parsed: serde_json::Map<_, _> = serde_json::from_str(key).unwrap_or_default();
            let columns: Vec<String> = parsed.keys().cloned().collect();
            if !columns.is_empty() && columns.iter().all(|name| self.table.column(name).is_some()) {
                by_columns.entry(columns).or_default().push(key);
            }
        }
        let mut deleted = 0;
        for (columns, keys) in by_columns {
            let sql = statement::delete(self.table, &columns);
            let done = sqlx::query(sqlx::AssertSqlSafe(sql))
                .bind(format!("[{}]", keys.join(",")))
                .execute(&mut *conn)
                .await
                .map_err(|error| {
                    let doing =
                        format!("deleting the rows of {} that left content", self.table.name);
                    super::refusal::failed(&doing, error)
                })?;
            deleted += done.rows_affected();
        }
        state::forget(conn, &self.table.name, &stale).await?;
        self.report.deleted += deleted;
        for key in &stale {
            self.recorded.remove(key);
        }
        Ok(())
    }

    /// Inserts what is missing and updates what differs.
    pub async fn write(&mut self, conn: &mut PgConnection) -> Result<()> {
        let (mut missing, mut present) = (Vec::new(), Vec::new());
        for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| !row.is_done) {
            if row.found.is_some() { &mut present } else { &mut missing }.push(index);
        }
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
        let rows: Vec<&Known> = group.iter().map(|&index| &self.rows[index].known).collect();
        let sql = statement::insert(self.table, &rows);
        let items = rows.iter().map(|row| (row.row, format!("{{\"d\":{}}}", document(row))));
        self.send(conn, &sql, items.collect()).await
    }

    async fn update(&self, conn: &mut PgConnection, group: &[usize]) -> Result<u64> {
        let rows: Vec<&Known> = group.iter().map(|&index| &self.rows[index].known).collect();
        let vanished: Vec<Vec<&str>> =
            group.iter().map(|&index| self.vanished(&self.rows[index])).collect();
        let mut all: Vec<String> = vanished.iter().flatten().map(|&name| name.to_owned()).collect();
        all.sort();
        all.dedup();
        let Some(sql) = statement::update(self.table, &rows, &all) else { return Ok(0) };
        let items = rows.iter().zip(&vanished).map(|(row, vanished)| {
            let vanished = serde_json::Value::from(vanished.clone());
            (row.row, format!("{{\"d\":{},\"v\":{vanished}}}", document(row)))
        });
        self.send(conn, &sql, items.collect()).await
    }

    async fn send(
        &self,
        conn: &mut PgConnection,
        sql: &str,
        items: Vec<(&Row, String)>,
    ) -> Result<u64> {
        let mut changed = 0;
        for items in chunks(items) {
            let batch = Batch { table: self.table, sql: sql.to_owned(), items };
            changed += batch.execute(conn).await?;
        }
        Ok(changed)
    }

    /// The columns that the row's file set the last time and no longer does.
    fn vanished(&self, row: &Planned) -> Vec<&str> {
        let record = row.found.as_ref().and_then(|found| self.recorded.get(&found.key));
        let fields = record.map_or(&[][..], |record| record.fields.as_slice());
        let gone = fields.iter().filter(|name| {
            !row.known.row.fields.contains_key(*name)
                && self.table.column(name).is_some_and(|column| !column.is_generated)
        });
        gone.map(String::as_str).collect()
    }

    /// Looks again: every row of the files must now be one row of the table.
    pub async fn verify(&mut self, conn: &mut PgConnection, everything: bool) -> Result<()> {
        let which = (0..self.rows.len()).filter(|&index| everything || !self.rows[index].is_done);
        self.look(conn, &which.collect::<Vec<_>>()).await?;
        self.reject_doubles()?;
        let Some(lost) = self.rows.iter().find(|row| row.found.is_none()) else { return Ok(()) };
        Err(Error::content(format!(
            "{}: the row was written, but {} does not have it afterwards",
            lost.known.row.place(),
            self.table.name
        ))
        .help("a trigger, a rule or a policy of the table drops it or changes its key: look there"))
    }

    /// Writes down how the rows were left.
    pub async fn record(&self, conn: &mut PgConnection) -> Result<()> {
        let changed = self.rows.iter().filter(|row| !row.is_done);
        let records = changed.filter_map(|row| {
            let found = row.found.as_ref()?;
            Some(NewRecord {
                key: serde_json::from_str(&found.key).ok()?,
                file: &row.known.row.file,
                fields: row.known.row.fields.keys().map(String::as_str).collect(),
                hash: &row.hash,
                version: &found.version,
            })
        });
        state::record(conn, &self.table.name, &records.collect::<Vec<_>>()).await
    }
}

/// The row as JSON, with the id made for it last, where it wins over an `id = null`.
fn document(row: &Known) -> String {
    let mut json = serde_json::to_string(&row.row.fields).unwrap_or_default();
    if let Some((column, id)) = row.made {
        json.pop();
        json.push_str(&format!(",{}:\"{id}\"}}", serde_json::Value::from(column)));
    }
    json
}

/// Equal hashes: the file says the same of a table of the same shape.
fn hash(table: &Table, row: &Known) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(table.signature.as_bytes());
    hasher.update(row.row.file.as_bytes());
    hasher.update(b"\0");
    hasher.update(document(row).as_bytes());
    hasher.finalize().to_hex()[..32].to_owned()
}
