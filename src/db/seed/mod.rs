//! Seeding: `content/` goes into Postgres, and only what differs is written.
//!
//! Nothing here knows a table by name: which columns there are, what makes a row unique and what
//! refers to what, the database's catalogue says.

pub(super) mod batch;
pub(super) mod catalog;
pub(super) mod check;
mod conflict;
mod example;
mod few;
pub(super) mod identity;
pub(super) mod marks;
mod names;
pub(super) mod read;
pub(super) mod refusal;
mod sequence;
mod shield;
mod stale;
pub(super) mod state;
pub(super) mod statement;
mod touch;
mod work;
mod write;

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Serialize;
use sqlx::{Connection as _, PgConnection};

pub use read::{Content, Row};
pub use touch::{Held, Touched};

use self::catalog::{Catalog, Table};
use self::refusal::failed;
use self::work::Work;
use crate::db::enriched;
use crate::error::Result;

/// What happens to rows that no file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Content is the source: a row or a column that left the files leaves the database. Rows that
    /// never came from a file stay.
    Mirror,
    /// Content is pushed into a database that people edit too: whatever it does not name stays, and
    /// so does a row that is newer than its file.
    Push,
    /// The same, but files win over newer rows.
    Force,
}

/// What a sync did, by table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub tables: IndexMap<String, TableReport>,
    /// Rows that were kept because the database's is newer.
    pub conflicts: Vec<Conflict>,
}

/// A row that a push left alone: somebody changed it in the database after the file was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    pub table: String,
    pub key: serde_json::Value,
    /// The file's path as messages show it.
    pub file: String,
    pub line: usize,
    /// The row's `updated_at`, in the database and in the file.
    pub in_database: Option<String>,
    pub in_file: Option<String>,
}

/// Rows of one table, counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct TableReport {
    pub inserted: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub deleted: u64,
    pub skipped: u64,
    /// Fields that stay as a model wrote them, because content says nothing there.
    pub enriched: u64,
}

impl Report {
    /// All tables together.
    pub fn total(&self) -> TableReport {
        self.tables.values().fold(TableReport::default(), |sum, table| TableReport {
            inserted: sum.inserted + table.inserted,
            updated: sum.updated + table.updated,
            unchanged: sum.unchanged + table.unchanged,
            deleted: sum.deleted + table.deleted,
            skipped: sum.skipped + table.skipped,
            enriched: sum.enriched + table.enriched,
        })
    }
}

/// Makes the database say what the files say, in one transaction: all of it or nothing.
pub async fn sync(conn: &mut PgConnection, content: &Content, mode: Mode) -> Result<Report> {
    sync_tables(conn, content, mode, None).await
}

/// The same of these tables, where the others are known to stand as the files say. Where rows go
/// that others may refer to, of all tables.
async fn sync_tables(
    conn: &mut PgConnection,
    content: &Content,
    mode: Mode,
    only: Option<&BTreeSet<String>>,
) -> Result<Report> {
    let mut transaction = conn.begin().await.map_err(|error| failed("seeding", error))?;
    prepare(&mut transaction).await?;
    let catalog = Catalog::load(&mut transaction).await?;
    let mut works = plan(&mut transaction, &catalog, content, mode, only).await?;
    compare(&mut transaction, &mut works).await?;
    let leaves = |work: &Work| catalog.is_referred_to(work.table) && !work.stale().is_empty();
    if only.is_some() && works.iter().any(leaves) {
        works = plan(&mut transaction, &catalog, content, mode, None).await?;
        compare(&mut transaction, &mut works).await?;
    }
    apply(&mut transaction, &mut works, mode).await?;
    transaction.commit().await.map_err(|error| failed("seeding", error))?;
    let mut report = Report::default();
    for work in works {
        report.tables.insert(work.table.name.clone(), work.report);
        report.conflicts.extend(work.conflicts);
    }
    report.tables.sort_keys();
    Ok(report)
}

/// One sync at a time, and times without a zone mean the same on every machine.
async fn prepare(conn: &mut PgConnection) -> Result<()> {
    for sql in [
        "select pg_advisory_xact_lock(hashtext('frieze seed'))",
        "set local timezone = 'UTC'",
        "set local datestyle = 'ISO, YMD'",
        "set local intervalstyle = 'postgres'",
        "set local lc_monetary = 'C'",
    ] {
        sqlx::query(sql)
            .persistent(false)
            .execute(&mut *conn)
            .await
            .map_err(|error| failed("seeding", error))?;
    }
    Ok(())
}

/// The tables to work on, those that others refer to first.
async fn plan<'a>(
    conn: &mut PgConnection,
    catalog: &'a Catalog,
    content: &'a Content,
    mode: Mode,
    only: Option<&BTreeSet<String>>,
) -> Result<Vec<Work<'a>>> {
    let is_meant = |name: &str| only.is_none_or(|only| only.contains(read::place::bare(name)));
    let mut works = Vec::new();
    let tables = content.tables().filter(|(name, rows)| !rows.is_empty() && is_meant(name));
    for (name, rows) in tables {
        works.push(Work::new(catalog.table(name, &rows[0].place())?, rows, mode)?);
    }
    if mode == Mode::Mirror {
        for name in state::tables(conn).await?.into_iter().filter(|name| is_meant(name)) {
            let is_planned = works.iter().any(|work| work.table.name == name);
            if let Some(table) = catalog.find(&name).filter(|_| !is_planned) {
                works.push(Work::new(table, &[], mode)?);
            }
        }
    }
    Ok(in_order(works))
}

/// Sorts tables so that one comes after those it refers to; a circle keeps its order.
fn in_order(mut works: Vec<Work<'_>>) -> Vec<Work<'_>> {
    let mut sorted = Vec::with_capacity(works.len());
    while !works.is_empty() {
        let waits =
            |table: &Table| works.iter().any(|other| table.references.contains(&other.table.sql));
        let next = works.iter().position(|work| !waits(work.table)).unwrap_or(0);
        sorted.push(works.remove(next));
    }
    sorted
}

async fn compare(conn: &mut PgConnection, works: &mut [Work<'_>]) -> Result<()> {
    for work in works {
        work.compare(conn).await?;
    }
    Ok(())
}

async fn apply(conn: &mut PgConnection, works: &mut [Work<'_>], mode: Mode) -> Result<()> {
    let has_lines = enriched::is_readable(conn).await?;
    let is_shrinking = works.iter().any(|work| !work.stale().is_empty());
    if is_shrinking {
        delete(conn, works).await?;
        // A deletion may have taken other rows with it.
        compare(conn, works).await?;
    }
    for work in works.iter_mut() {
        if has_lines {
            work.shield(conn).await?;
        }
        if mode != Mode::Mirror {
            work.weigh(conn).await?;
        }
        work.write(conn).await?;
    }
    if is_shrinking {
        for work in works.iter_mut().rev() {
            work.delete_stale(conn).await?;
        }
    }
    for work in works.iter_mut() {
        work.verify(conn, is_shrinking).await?;
        if has_lines {
            work.note(conn).await?;
        }
        work.record(conn).await?;
    }
    Ok(())
}

/// Deletes stale rows before anything is written, so that a renamed row does not meet itself. A
/// table whose rows are still referred to is left for after the writing.
async fn delete(conn: &mut PgConnection, works: &mut [Work<'_>]) -> Result<()> {
    for work in works.iter_mut().rev() {
        let mut savepoint = conn.begin().await.map_err(|error| failed("seeding", error))?;
        let end = match work.delete_stale(&mut savepoint).await {
            Ok(()) => savepoint.commit().await,
            Err(_) => savepoint.rollback().await,
        };
        end.map_err(|error| failed("seeding", error))?;
    }
    Ok(())
}
