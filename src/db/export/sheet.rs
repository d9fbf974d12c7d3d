//! One table's part of an export: its rows, its files, and which is in which.

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;
use sqlx::PgConnection;

use super::exported::Edit;
use super::files::{File, Files};
use super::moves::Before;
use super::stored::{self, Stored};
use super::tables::UseOfTimes;
use super::{Export, LeftOut, Options, Report, Stray, compare};
use crate::config::Config;
use crate::db::seed::Row;
use crate::db::seed::catalog::Table;
use crate::db::seed::marks::Marks;
use crate::db::seed::read::place::Place;
use crate::db::seed::state::{self, Record};
use crate::db::seed::{check, identity};
use crate::error::Result;

/// What the site's configuration says about a table's files.
pub(super) struct Site<'s> {
    pub config: &'s Config,
    pub options: &'s Options,
    pub is_layouts: bool,
    pub use_of_times: UseOfTimes,
    /// Whether the database has ever been seeded.
    pub has_state: bool,
    /// Whether it tells what models wrote.
    pub has_lines: bool,
    /// The rows that the last export left, as hashes.
    pub exported: &'s BTreeSet<String>,
}

pub(super) struct Sheet<'s> {
    pub table: &'s Table,
    pub site: &'s Site<'s>,
    pub stored: Vec<Stored>,
    pub recorded: HashMap<String, Record>,
    pub files: Vec<Draft>,
    strays: Vec<Stray>,
    pub left_out: Option<LeftOut>,
    /// How many values models wrote.
    pub enriched: usize,
}

/// A file as it shall be.
pub(super) struct Draft {
    pub place: Place,
    pub original: Option<String>,
    pub entries: Vec<Entry>,
    pub text: Option<String>,
}

/// A row's place in a file.
pub(super) struct Entry {
    /// Which row of the database it is.
    pub stored: Option<usize>,
    pub is_new: bool,
    pub is_removed: bool,
    /// What is to be changed, by column.
    pub changes: IndexMap<String, Form>,
    /// Set if somebody edited it in the file, and the database has not got that yet.
    pub edit: Option<Edit>,
    /// What the file says of models.
    pub marks: Marks,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Absent,
    /// As files write it by custom.
    Custom,
    /// In a way that survives everything.
    Safe,
}

impl Entry {
    pub fn is_dirty(&self) -> bool {
        self.is_new || self.is_removed || !self.changes.is_empty()
    }
}

impl<'s> Sheet<'s> {
    /// Reads the table and finds out which rows its files are about.
    pub async fn load(
        conn: &mut PgConnection,
        table: &'s Table,
        files: &Files,
        site: &'s Site<'s>,
    ) -> Result<Self> {
        let stored = stored::load(conn, table).await?;
        let recorded =
            if site.has_state { state::load(conn, &table.name).await? } else { HashMap::new() };
        let of_table: Vec<&File> = files.of(&table.name).collect();
        let rows: Vec<Row> = of_table.iter().flat_map(|file| file.rows.clone()).collect();
        check::check(table, &rows)?;
        let known = identity::identify(table, &rows)?;
        let mut found = find(conn, table, &known, &stored).await?;
        let before = Before::new(table, &stored, &recorded);
        before.recover(&known, &mut found);
        let (mut strays, mut entries) = (Vec::new(), Vec::new());
        for (known, found) in known.iter().zip(found) {
            let is_removed = found.is_none() && before.was_there(known, site.exported);
            if found.is_none() && !is_removed {
                strays.push(Stray::of(table, known.row));
            }
            let edit = found.filter(|_| !site.options.force).and_then(|index| {
                let stored = &stored[index];
                Edit::of(table, known, stored, recorded.get(&stored.key)?, site.exported)
            });
            let changes = IndexMap::new();
            let marks = known.row.marks.clone();
            entries.push(Entry { stored: found, is_new: false, is_removed, changes, edit, marks });
        }
        let mut entries = entries.into_iter();
        let draft = |file: &&File| Draft {
            place: file.place.clone(),
            original: Some(file.text.clone()),
            entries: entries.by_ref().take(file.rows.len()).collect(),
            text: Some(file.text.clone()),
        };
        let files = of_table.iter().map(draft).collect();
        Ok(Self { table, site, stored, recorded, files, strays, left_out: None, enriched: 0 })
    }

    /// Hands over what is to be written.
    pub fn finish(self, export: &mut Export) {
        export.report.tables.insert(self.table.name.clone(), self.stored.len());
        export.report.enriched += self.enriched;
        export.report.only_in_files.extend(self.strays);
        export.report.left_out.extend(self.left_out);
        for file in self.files {
            let Draft { place, original, text, entries } = file;
            let edits = entries.into_iter().filter_map(|entry| entry.edit);
            for Edit { at, is_conflict, .. } in edits.filter(|edit| edit.is_kept) {
                let Report { conflicts, not_seeded, .. } = &mut export.report;
                if is_conflict { conflicts.push(at) } else { not_seeded.push(at) }
            }
            export.note(&place.path, &place.name, original.as_deref(), text);
        }
    }
}

/// Which row of the database each row of the files is known as.
async fn find(
    conn: &mut PgConnection,
    table: &Table,
    known: &[identity::Known<'_>],
    stored: &[Stored],
) -> Result<Vec<Option<usize>>> {
    let places: HashMap<&str, usize> =
        stored.iter().enumerate().map(|(index, row)| (row.at.as_str(), index)).collect();
    let located = compare::locate(conn, table, known).await?;
    let place = |at: Option<String>| places.get(at?.as_str()).copied();
    let found: Vec<Option<usize>> = located.into_iter().map(place).collect();
    reject_doubles(table, known, &found)?;
    Ok(found)
}

/// Two rows of files that are one row of the database.
fn reject_doubles(
    table: &Table,
    known: &[identity::Known<'_>],
    found: &[Option<usize>],
) -> Result<()> {
    let mut seen: HashMap<usize, &Row> = HashMap::new();
    for (known, stored) in known.iter().zip(found) {
        let Some(stored) = stored else { continue };
        if let Some(first) = seen.insert(*stored, known.row) {
            return Err(identity::double(table, known.by, first, known.row));
        }
    }
    Ok(())
}
