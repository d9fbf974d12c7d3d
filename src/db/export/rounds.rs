//! One table's part of an export: which row goes to which file, and what each file has to say until
//! the database agrees with it.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use indexmap::IndexMap;
use sqlx::PgConnection;

use super::files::{File, Files};
use super::formats::{self, Field, Line, Rewrite};
use super::moves::Before;
use super::stored::{self, Stored};
use super::tables::{TIMES, UseOfTimes};
use super::{Export, Stray, compare, names};
use crate::config::Config;
use crate::db::seed::Row;
use crate::db::seed::catalog::Table;
use crate::db::seed::read::place::{Format, Place, body_column};
use crate::db::seed::state::{self, Record};
use crate::db::seed::{check, identity};
use crate::error::{Error, Result};

/// More rounds than any value needs; the last ones would change nothing.
const ROUNDS: usize = 12;

/// What the site's configuration says about a table's files.
pub(super) struct Site<'s> {
    pub config: &'s Config,
    pub dir: &'s Path,
    pub full: bool,
    pub is_layouts: bool,
    pub use_of_times: UseOfTimes,
}

pub(super) struct Sheet<'s> {
    table: &'s Table,
    site: &'s Site<'s>,
    stored: Vec<Stored>,
    recorded: HashMap<String, Record>,
    files: Vec<Draft>,
    strays: Vec<Stray>,
}

/// A file as it shall be.
struct Draft {
    place: Place,
    original: Option<String>,
    entries: Vec<Entry>,
    text: Option<String>,
}

/// A row's place in a file.
struct Entry {
    /// Which row of the database it is.
    stored: Option<usize>,
    is_new: bool,
    is_removed: bool,
    /// What is to be changed, by column.
    changes: IndexMap<String, Form>,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Absent,
    /// As files write it by custom.
    Custom,
    /// In a way that survives everything.
    Safe,
}

impl Entry {
    fn is_dirty(&self) -> bool {
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
        let recorded = state::load(conn, &table.name).await?;
        let of_table: Vec<&File> = files.of(&table.name).collect();
        let rows: Vec<Row> = of_table.iter().flat_map(|file| file.rows.clone()).collect();
        check::check(table, &rows)?;
        let known = identity::identify(table, &rows)?;
        let places: HashMap<&str, usize> =
            stored.iter().enumerate().map(|(index, row)| (row.at.as_str(), index)).collect();
        let located = compare::locate(conn, table, &known).await?;
        let mut found: Vec<Option<usize>> = located
            .iter()
            .map(|at| at.as_ref().and_then(|at| places.get(at.as_str())).copied())
            .collect();
        reject_doubles(table, &known, &found)?;
        let before = Before { table, stored: &stored, recorded: &recorded };
        before.recover(&known, &mut found);
        let (mut strays, mut entries) = (Vec::new(), Vec::new());
        for (known, stored) in known.iter().zip(found) {
            let is_removed = stored.is_none() && before.was_there(known);
            if stored.is_none() && !is_removed {
                let Row { file, line, .. } = known.row;
                strays.push(Stray { table: table.name.clone(), file: file.clone(), line: *line });
            }
            entries.push(Entry { stored, is_new: false, is_removed, changes: IndexMap::new() });
        }
        let mut entries = entries.into_iter();
        let draft = |file: &&File| Draft {
            place: file.place.clone(),
            original: Some(file.text.clone()),
            entries: entries.by_ref().take(file.rows.len()).collect(),
            text: Some(file.text.clone()),
        };
        let files = of_table.iter().map(draft).collect();
        Ok(Self { table, site, stored, recorded, files, strays })
    }

    /// Finds a file for every row that none holds.
    pub fn find_new_homes(&mut self, taken: &mut BTreeSet<String>) {
        let entries = self.files.iter().flat_map(|file| &file.entries);
        let held: BTreeSet<usize> = entries.filter_map(|entry| entry.stored).collect();
        for index in (0..self.stored.len()).filter(|index| !held.contains(index)) {
            let columns = self.columns_of(&self.stored[index]);
            let changes = columns.into_iter().map(|name| (name, Form::Custom)).collect();
            let entry =
                Entry { stored: Some(index), is_new: true, is_removed: false, changes };
            match self.own_file(index, taken) {
                Some(place) => self.files.push(Draft {
                    place,
                    original: None,
                    entries: vec![entry],
                    text: None,
                }),
                None => self.list().entries.push(entry),
            }
        }
    }

    /// The columns that a new row's file has to name, the times last.
    fn columns_of(&self, stored: &Stored) -> Vec<String> {
        let made = self.table.uuid_key().map(|column| column.name.as_str());
        let names = stored.cells.keys().filter(|name| {
            Some(name.as_str()) != made && !stored.plain.contains(*name)
        });
        let (times, mut columns): (Vec<String>, Vec<String>) =
            names.cloned().partition(|name| TIMES.contains(&name.as_str()));
        columns.extend(times);
        if columns.is_empty() {
            columns.extend(self.table.keys.iter().take(1).flat_map(|key| key.columns.clone()));
        }
        columns
    }

    /// A file for one row, in tables where people have it so.
    fn own_file(&self, index: usize, taken: &mut BTreeSet<String>) -> Option<Place> {
        let format = if self.site.is_layouts {
            Format::Json
        } else if body_column(self.site.config, &self.table.name).is_some() {
            Format::Markdown
        } else {
            return None;
        };
        let ending = if format == Format::Json { "json" } else { "md" };
        let stem = names::stem(&self.words(&self.stored[index]));
        let (stem, name) = names::sole(taken, &self.table.name, &stem, ending);
        let path = name.split('/').collect();
        Some(Place { path, name, table: self.table.name.clone(), stem: Some(stem), format })
    }

    /// What people call a row.
    fn words(&self, stored: &Stored) -> String {
        let text = |name: &str| {
            let value = &stored.cells.get(name)?.value;
            value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|n| n.to_string()))
        };
        if let (Some(page), Some(version)) = (text("page_name"), text("version")) {
            return format!("{page}-v{version}");
        }
        let texts = self.table.columns.iter().filter(|column| column.is_text && !column.is_array);
        let first = || texts.clone().find_map(|column| text(&column.name));
        text("slug").or_else(first).unwrap_or_else(|| stored.key.clone())
    }

    /// The file that takes rows which have no file of their own.
    fn list(&mut self) -> &mut Draft {
        let is_list = |file: &Draft, format| file.place.stem.is_none() && file.place.format == format;
        let position =
            |format| self.files.iter().position(|file| is_list(file, format));
        let position = position(Format::Toml).or_else(|| position(Format::Json));
        let index = position.unwrap_or_else(|| {
            let table = self.table.name.clone();
            let name = format!("{table}.toml");
            let place = Place {
                path: name.clone().into(),
                name,
                table,
                stem: None,
                format: Format::Toml,
            };
            self.files.push(Draft { place, original: None, entries: Vec::new(), text: None });
            self.files.len() - 1
        });
        &mut self.files[index]
    }

    /// Writes, reads back and asks, until the files say what the database says.
    pub async fn settle(&mut self, conn: &mut PgConnection) -> Result<()> {
        // The order in which seeding reads them decides which ids it makes.
        self.files.sort_by(|a, b| a.place.path.cmp(&b.place.path));
        let mut last = String::new();
        for _ in 0..ROUNDS {
            self.render()?;
            match self.correct(conn).await? {
                Some(note) => last = note,
                None => return Ok(()),
            }
        }
        Err(Error::content(format!("{last} cannot be written so that seeding gives the same"))
            .help("nothing was written; this is a fault of frieze, please report it"))
    }

    fn render(&mut self) -> Result<()> {
        let body = body_column(self.site.config, &self.table.name);
        for file in &mut self.files {
            if !file.entries.iter().any(Entry::is_dirty) {
                continue;
            }
            let is_toml = file.place.format != Format::Json;
            let lines = file
                .entries
                .iter()
                .map(|entry| line(entry, &self.stored, is_toml, body))
                .collect();
            let rewrite = Rewrite { place: &file.place, body, lines };
            file.text = formats::rewrite(rewrite, file.original.as_deref())?;
        }
        Ok(())
    }

    /// Compares the files with the database and notes what has to be said otherwise; whether
    /// what, if anything.
    async fn correct(&mut self, conn: &mut PgConnection) -> Result<Option<String>> {
        let (table, rows) = (self.table, self.read_back()?);
        let known = identity::identify(table, &rows)?;
        let live = self.files.iter().enumerate().flat_map(|(file, draft)| {
            let entries = draft.entries.iter().enumerate().filter(|(_, entry)| !entry.is_removed);
            entries.map(move |(index, entry)| (file, index, entry.stored))
        });
        let (mut pairs, mut slots) = (Vec::new(), Vec::new());
        for (known, (file, index, stored)) in known.into_iter().zip(live) {
            if let Some(stored) = stored {
                pairs.push((known, &self.stored[stored]));
                slots.push((file, index, stored));
            }
        }
        let differences = compare::differences(conn, table, &pairs).await?;
        let mut notes = Vec::new();
        for ((slot, (known, _)), columns) in slots.into_iter().zip(&pairs).zip(differences) {
            for column in columns {
                let has_it = known.row.fields.contains_key(&column);
                notes.push((slot, column, has_it));
            }
        }
        drop(pairs);
        let mut note = None;
        for ((file, index, stored), column, has_it) in notes {
            let is_new = self.files[file].entries[index].is_new;
            if !has_it && !is_new && self.is_made_time(&self.stored[stored], &column) {
                continue;
            }
            let is_plain = self.stored[stored].plain.contains(&column);
            let changes = &mut self.files[file].entries[index].changes;
            let form = match changes.get(&column) {
                None if is_plain && has_it => Form::Absent,
                None | Some(Form::Absent) => Form::Custom,
                Some(Form::Custom | Form::Safe) => Form::Safe,
            };
            note = Some(format!("{}: {column} of {}", table.name, self.stored[stored].key));
            changes.insert(column, form);
        }
        Ok(note)
    }

    /// The rows of all files as seeding would read them, and in its order.
    fn read_back(&self) -> Result<Vec<Row>> {
        let body = body_column(self.site.config, &self.table.name);
        let mut rows = Vec::new();
        for file in &self.files {
            let Some(text) = &file.text else { continue };
            let read = file.place.rows(self.site.dir, text.clone(), body)?;
            let live = file.entries.iter().filter(|entry| !entry.is_removed).count();
            if read.len() != live {
                let message = format!("{}: {live} rows became {}", file.place.name, read.len());
                return Err(Error::content(message)
                    .help("nothing was written; this is a fault of frieze, please report it"));
            }
            rows.extend(read);
        }
        Ok(rows)
    }

    /// A time that the last seed made for a row which nobody has touched since, and that the site
    /// does not depend on: it means no more than when the seed ran.
    fn is_made_time(&self, stored: &Stored, column: &str) -> bool {
        let UseOfTimes { shown, sorted_by } = &self.site.use_of_times;
        let is_ours = self.recorded.get(&stored.key).is_some_and(|it| it.version == stored.version);
        is_ours
            && !self.site.full
            && TIMES.contains(&column)
            && !shown.contains(&column)
            // One row has no order.
            && (!sorted_by.contains(&column) || self.stored.len() == 1)
    }

    /// Hands over what is to be written.
    pub fn finish(self, export: &mut Export) -> Result<()> {
        export.report.tables.insert(self.table.name.clone(), self.stored.len());
        export.report.only_in_files.extend(self.strays);
        for file in self.files {
            let Draft { place, original, text, .. } = file;
            export.note(&place.path, &place.name, original.as_deref(), text);
        }
        Ok(())
    }
}

/// What is to be done about one row of a file.
fn line(entry: &Entry, stored: &[Stored], is_toml: bool, body: Option<&str>) -> Line {
    if entry.is_removed {
        return Line::Remove;
    }
    let Some(stored) = entry.stored.map(|index| &stored[index]) else { return Line::Keep };
    let fields = entry.changes.iter().filter_map(|(name, form)| {
        let cell = stored.cells.get(name)?;
        let value = match form {
            Form::Absent => None,
            Form::Custom => Some(formats::custom(cell, is_toml)),
            Form::Safe => Some(formats::safe(cell, is_toml)),
        };
        let is_body = *form == Form::Custom && body == Some(name.as_str());
        Some(Field { name: name.clone(), value, is_body })
    });
    let fields = fields.collect();
    if entry.is_new { Line::New(fields) } else { Line::Change(fields) }
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
