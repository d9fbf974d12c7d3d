//! What each file has to say, until the database agrees with it.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::compare;
use super::formats::{self, Field, Line, Rewrite};
use super::sheet::{Entry, Form, Sheet};
use super::stored::Stored;
use super::tables::{TIMES, UseOfTimes};
use crate::db::seed::Row;
use crate::db::seed::identity;
use crate::db::seed::read::place::{Format, body_column};
use crate::error::{Error, Result};

/// More rounds than any table needs: a value takes three, and an id that is added may move others.
const ROUNDS: usize = 40;

/// A column in which a row of a file and its row of the database differ.
struct Note {
    file: usize,
    entry: usize,
    stored: usize,
    column: String,
    /// Whether the file names the column.
    is_said: bool,
}

impl Sheet<'_> {
    /// Writes, reads back and asks, until the files say what the database says.
    pub async fn settle(&mut self, conn: &mut PgConnection) -> Result<()> {
        // The order in which seeding reads them decides which ids it makes.
        self.files.sort_by(|a, b| a.place.path.cmp(&b.place.path));
        let mut last = String::new();
        for _ in 0..ROUNDS {
            self.render()?;
            let notes = self.ask(conn).await?;
            match self.correct(notes) {
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
            let lines =
                file.entries.iter().map(|entry| line(entry, &self.stored, is_toml, body)).collect();
            let rewrite = Rewrite { place: &file.place, body, lines };
            file.text = formats::rewrite(rewrite, file.original.as_deref())?;
        }
        Ok(())
    }

    /// Asks the database what the files would say otherwise.
    async fn ask(&self, conn: &mut PgConnection) -> Result<Vec<Note>> {
        let (table, rows) = (self.table, self.read_back()?);
        let known = identity::identify(table, &rows)?;
        let (mut pairs, mut slots) = (Vec::new(), Vec::new());
        for (known, (file, index, entry)) in known.into_iter().zip(self.live()) {
            if let Some(stored) = entry.stored {
                pairs.push((known, &self.stored[stored]));
                slots.push((file, index, stored));
            }
        }
        let differences = compare::differences(conn, table, &pairs).await?;
        let mut notes = Vec::new();
        for (((file, entry, stored), (known, _)), columns) in
            slots.into_iter().zip(&pairs).zip(differences)
        {
            notes.extend(columns.into_iter().map(|column| {
                let is_said = known.row.fields.contains_key(&column);
                Note { file, entry, stored, column, is_said }
            }));
        }
        Ok(notes)
    }

    /// The rows that stay, in the order they are read in, each with its place.
    fn live(&self) -> impl Iterator<Item = (usize, usize, &Entry)> {
        self.files.iter().enumerate().flat_map(|(file, draft)| {
            let entries = draft.entries.iter().enumerate().filter(|(_, entry)| !entry.is_removed);
            entries.map(move |(index, entry)| (file, index, entry))
        })
    }

    /// The rows whose files say what the database says, as hashes.
    pub fn exported(&self) -> Result<BTreeSet<String>> {
        let rows = self.read_back()?;
        let known = identity::identify(self.table, &rows)?;
        let is_kept = |entry: &Entry| entry.edit.as_ref().is_some_and(|edit| edit.is_kept);
        let pairs = known.iter().zip(self.live());
        let agree = pairs.filter(|(_, (.., entry))| entry.stored.is_some() && !is_kept(entry));
        Ok(agree.map(|(known, _)| known.row_hash(self.table)).collect())
    }

    /// Decides how each column of the notes is written; the last of them, if there are any.
    fn correct(&mut self, notes: Vec<Note>) -> Option<String> {
        let mut last = None;
        for note in notes {
            let Note { file, entry, stored, column, is_said } = note;
            let stored = &self.stored[stored];
            let is_new = self.files[file].entries[entry].is_new;
            if !is_said && !is_new && self.is_made_time(stored, &column) {
                continue;
            }
            let is_of_key = self.keeps(stored, &column);
            let entry = &mut self.files[file].entries[entry];
            if let Some(edit) = &mut entry.edit {
                edit.is_kept = true;
                continue;
            }
            last = Some(format!("{}: {column} of {}", self.table.name, stored.key));
            let is_plain = stored.plain.contains(&column) && !is_of_key;
            let form = match entry.changes.get(&column) {
                None if is_plain && is_said => Form::Absent,
                None | Some(Form::Absent) => Form::Custom,
                Some(Form::Custom | Form::Safe) => Form::Safe,
            };
            entry.changes.insert(column, form);
        }
        last
    }

    /// The rows of all files as seeding would read them, and in its order.
    fn read_back(&self) -> Result<Vec<Row>> {
        let body = body_column(self.site.config, &self.table.name);
        let mut rows = Vec::new();
        for file in &self.files {
            let Some(text) = &file.text else { continue };
            let read = file.place.rows(&self.site.options.dir, text.clone(), body)?;
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
        let record = self.recorded.get(&stored.key);
        let is_ours = record.is_some_and(|record| {
            record.version == stored.version && !record.fields.iter().any(|name| name == column)
        });
        is_ours
            && !self.site.options.full
            && TIMES.contains(&column)
            && !shown.contains(&column)
            // One row has no order.
            && (!sorted_by.contains(&column) || self.stored.len() == 1)
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
