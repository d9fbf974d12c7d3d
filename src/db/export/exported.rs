//! Which rows of the folder's files are as the last export left them. Without that, one that an
//! export wrote would look like one that a person edited. The list travels with the files.

use std::collections::BTreeSet;
use std::path::Path;

use super::stored::Stored;
use super::{Change, Stray};
use crate::db::seed::Row;
use crate::db::seed::catalog::Table;
use crate::db::seed::identity::Known;
use crate::db::seed::state::{self, Record};
use crate::error::Result;
use crate::fs;

/// An edit that somebody made in a file.
pub(super) struct Edit {
    pub at: Stray,
    /// Whether the row was edited in the database too.
    pub is_conflict: bool,
    /// Whether that makes a difference, so that the row is left as it is.
    pub is_kept: bool,
}

impl Edit {
    /// The edit of a row that is in its file neither as it was seeded nor as it was exported.
    pub fn of(
        table: &Table,
        known: &Known<'_>,
        stored: &Stored,
        record: &Record,
        exported: &BTreeSet<String>,
    ) -> Option<Self> {
        let (now, seeded) = (known.row_hash(table), state::row_hash(&record.hash)?);
        let is_edited = now != seeded && !exported.contains(&now);
        let is_conflict = record.version != stored.version;
        is_edited.then(|| Self { at: Stray::of(table, known.row), is_conflict, is_kept: false })
    }
}

impl Stray {
    pub(super) fn of(table: &Table, row: &Row) -> Self {
        Self { table: table.name.clone(), file: row.file.clone(), line: row.line }
    }
}

/// Hidden, so it is no file of rows.
const NAME: &str = ".exported";

const HEAD: &str = "# The rows that `frieze db export` left here, each as a hash: by them the next export tells which\n\
    # were edited since. It belongs in git with the files.\n";

/// The list of the last export; nothing where there was none.
pub(super) fn read(dir: &Path) -> Result<BTreeSet<String>> {
    let path = dir.join(NAME);
    if !path.is_file() {
        return Ok(BTreeSet::new());
    }
    let text = fs::read_text(&path)?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

/// The list as it shall be, if it is another one now.
pub(super) fn change(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Option<Change> {
    let lines = || after.iter().flat_map(|hash| [hash.as_str(), "\n"]);
    let text = || [HEAD].into_iter().chain(lines()).collect();
    (before != after).then(|| Change { path: NAME.into(), text: Some(text()) })
}
