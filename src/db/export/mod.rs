//! Exporting: what the database holds goes back into the files of `content/`, and only what differs
//! is written.
//!
//! A file is right if seeding it into an empty database gives the rows that are there now. So every
//! text that is to be written is first read back as seeding would read it, and the database itself
//! is asked whether it says the same; what it does not say yet is added or put another way.

mod compare;
mod exported;
mod files;
mod formats;
mod homes;
mod marked;
mod moves;
mod names;
mod rounds;
mod sheet;
mod stored;
mod tables;
mod write;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sqlx::{Connection as _, PgConnection};

use self::files::Files;
use self::sheet::Sheet;
use self::tables::Chosen;
use super::migrate::Migrations;
use super::seed::catalog::Catalog;
use super::{enriched, explain_owner};
use crate::config::Config;
use crate::error::{Error, Result};

/// What to export, and where to.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder that takes the files.
    pub dir: PathBuf,
    /// Write times too that the last seed made and nothing on the site depends on.
    pub full: bool,
    /// The database wins over rows too that were edited in their file.
    pub force: bool,
}

/// Everything an export is going to do, found out before anything is written.
#[derive(Debug)]
pub struct Export {
    pub report: Report,
    dir: PathBuf,
    changes: Vec<Change>,
}

/// A file below the folder and its new text; none if it goes.
#[derive(Debug)]
struct Change {
    path: PathBuf,
    text: Option<String>,
}

/// What an export does, with files as paths below the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many rows each table has.
    pub tables: indexmap::IndexMap<String, usize>,
    pub written: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
    pub unchanged: usize,
    /// Values that models wrote, marked in the files.
    pub enriched: usize,
    /// Rows of files that the database does not have, and never had as far as is known.
    pub only_in_files: Vec<Stray>,
    /// Rows that say something else than the database, because their file was edited and not seeded
    /// yet: left as they are.
    pub not_seeded: Vec<Stray>,
    /// The same where the row was edited in the database too.
    pub conflicts: Vec<Stray>,
    /// Tables, or rows of them, that cannot be written as files, with the reason.
    pub left_out: Vec<LeftOut>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stray {
    pub table: String,
    pub file: String,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    pub table: String,
    pub reason: String,
}

/// Reads the database in one transaction and finds out what each file shall say.
pub async fn plan(
    conn: &mut PgConnection,
    config: &Config,
    migrations: &Migrations,
    options: &Options,
) -> Result<Export> {
    let failed = |error| explain_owner(error, "exporting");
    let begin = "begin isolation level repeatable read read only";
    let mut transaction = conn.begin_with(begin).await.map_err(failed)?;
    settle(&mut transaction).await?;
    let catalog = Catalog::load(&mut transaction).await?;
    let files = Files::read(&options.dir, config)?;
    let chosen = tables::choose(&catalog, config, migrations, &files)?;
    let mut export =
        Export { report: Report::default(), dir: options.dir.clone(), changes: Vec::new() };
    export.report.left_out = chosen.left_out;
    let mut taken = files.names();
    let (before, mut after) = (exported::read(&options.dir)?, BTreeSet::new());
    let has_lines = enriched::is_readable(&mut transaction).await?;
    for Chosen { table, is_layouts, use_of_times } in chosen.tables {
        let has_state = catalog.has("seed_state");
        let exported = &before;
        let site = sheet::Site {
            config,
            options,
            is_layouts,
            use_of_times,
            has_state,
            has_lines,
            exported,
        };
        let mut sheet = Sheet::load(&mut transaction, table, &files, &site).await?;
        sheet.mark(&mut transaction).await?;
        sheet.find_new_homes(&mut taken);
        sheet.settle(&mut transaction).await?;
        after.append(&mut sheet.exported()?);
        sheet.finish(&mut export);
    }
    export.changes.extend(exported::change(&before, &after));
    transaction.rollback().await.map_err(failed)?;
    write::refuse_strange_paths(&export.dir, &export.changes)?;
    Ok(export)
}

impl Export {
    /// Writes what differs, each file in one step.
    pub fn write(&self) -> Result<()> {
        write::write(&self.dir, &self.changes)
    }

    fn note(&mut self, path: &Path, name: &str, original: Option<&str>, text: Option<String>) {
        let list = match (original, &text) {
            (Some(original), Some(text)) if original == text => {
                self.report.unchanged += 1;
                return;
            }
            (None, None) => return,
            (None, Some(_)) => &mut self.report.written,
            (Some(_), Some(_)) => &mut self.report.changed,
            (Some(_), None) => &mut self.report.removed,
        };
        list.push(name.to_owned());
        self.changes.push(Change { path: path.to_owned(), text });
    }
}

/// Values have the same text on every server, and no policy hides a row without a word.
async fn settle(conn: &mut PgConnection) -> Result<()> {
    let settings = "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; \
        set local intervalstyle = 'postgres'; set local extra_float_digits = 1; \
        set local bytea_output = 'hex'; set local lc_monetary = 'C'; \
        set local row_security = off";
    let done = sqlx::raw_sql(settings).execute(conn).await;
    done.map(drop).map_err(|error| explain_owner(error, "exporting"))
}

/// An error of reading a table.
fn unreadable(table: &str, error: sqlx::Error) -> Error {
    let hides = error.as_database_error().is_some_and(|answer| {
        answer.code().is_some_and(|code| code == "42501")
            && answer.message().contains("row-level security")
    });
    let failed = explain_owner(error, &format!("exporting {table}"));
    if !hides {
        return failed;
    }
    failed.help(
        "row-level security hides rows from this user, so the backup would lack them: connect as the table's owner, or as a role with bypassrls",
    )
}
