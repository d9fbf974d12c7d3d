//! Reading `content/`: which file holds which rows, and where each field stands.

pub(in crate::db) mod escape;
pub(in crate::db) mod json;
pub(in crate::db) mod markdown;
pub(in crate::db) mod place;
pub(in crate::db) mod text;
mod toml;

use std::collections::BTreeMap;
use std::path::Path;

use indexmap::IndexMap;
use rayon::prelude::*;
use serde_json::{Map, Value};

use self::place::Place;
use self::text::Text;
use super::marks::{self, Marks};
use crate::config::Config;
use crate::error::Result;
use crate::fs;

/// Everything `content/` says, by table, in the order of the files' names.
#[derive(Debug, Default)]
pub struct Content {
    tables: IndexMap<String, Vec<Row>>,
}

/// One row as its file says it.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// The file's path below the content folder, with `/`.
    pub file: String,
    /// The file's path as messages show it.
    pub path: String,
    /// The line the row begins on, from 1.
    pub line: usize,
    /// The row's name if the file holds no other row: its path below the table's folder, without
    /// the ending.
    pub stem: Option<String>,
    /// The row's columns. Dates and times are text.
    pub fields: Map<String, Value>,
    /// JSON that stands in for a field's value word by word, as `{ "$json" = "…" }` wrote it.
    pub(in crate::db) exact: BTreeMap<String, String>,
    /// Which of them models wrote, as an export said.
    pub(in crate::db) marks: Marks,
    /// The line each field begins on, in the order of `fields`.
    lines: Vec<usize>,
}

impl Row {
    /// The line a field begins on, or the row's own if it has no such field.
    pub fn line_of(&self, field: &str) -> usize {
        let index = self.fields.keys().position(|key| key == field);
        index.and_then(|index| self.lines.get(index)).copied().unwrap_or(self.line)
    }

    /// Columns whose JSON is lost where it is part of more JSON: null, which is a value here, and
    /// spaces around it. Each with its text.
    pub(in crate::db) fn spelled(&self) -> impl Iterator<Item = (&str, &str)> {
        let texts = self.exact.iter().map(|(name, json)| (name.as_str(), json.as_str()));
        texts.filter(|(_, json)| *json == "null" || json.trim().len() < json.len())
    }

    /// `file:line` of the row.
    pub fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }

    /// `file:line` of a field.
    pub fn place_of(&self, field: &str) -> String {
        format!("{}:{}", self.path, self.line_of(field))
    }
}

/// A file's rows, read again.
#[derive(Debug)]
pub(super) struct Reread {
    pub table: String,
    pub file: String,
    /// Where the former ones are among the table's.
    pub range: std::ops::Range<usize>,
    pub rows: Vec<Row>,
}

/// A field with its line, as the formats hand it over.
struct Field {
    name: String,
    value: Value,
    line: usize,
}

/// A row without the name of its file.
struct Parsed {
    line: usize,
    fields: Vec<Field>,
}

impl Content {
    /// Reads every row below `dir`; a folder that is not there holds none.
    pub fn read(dir: &Path, config: &Config) -> Result<Self> {
        let files = fs::files_below(dir)?;
        let places = files.iter().filter_map(|file| Place::of(file).transpose());
        let places = places.collect::<Result<Vec<Place>>>()?;
        place::reject_strangers(dir, &files, &places, config)?;
        let rows: Vec<Vec<Row>> =
            places.par_iter().map(|place| place.read(dir, config)).collect::<Result<_>>()?;
        let mut tables: IndexMap<String, Vec<Row>> = IndexMap::new();
        for (place, rows) in places.into_iter().zip(rows) {
            tables.entry(place.table).or_default().extend(rows);
        }
        Ok(Self { tables })
    }

    /// Reads one file again, which may be new or gone: what changes, still to be [put](Self::put).
    /// None where the file holds no rows and held none.
    pub(super) fn reread(
        &self,
        dir: &Path,
        config: &Config,
        file: &Path,
    ) -> Result<Option<Reread>> {
        let is_there = !fs::is_hidden_below(file) && dir.join(file).is_file();
        let place = match Place::of(file) {
            Ok(Some(place)) => place,
            Ok(None) if is_there => {
                place::reject_stranger(dir, file, config, |table| self.has_single_rows(table))?;
                return Ok(None);
            }
            Err(error) if is_there => return Err(error),
            _ => return Ok(None),
        };
        let rows = if is_there { place.read(dir, config)? } else { Vec::new() };
        let held = self.rows(&place.table);
        // In the order in which a whole reading finds files.
        let first = held.partition_point(|row| row.file.split('/').lt(place.name.split('/')));
        let count = held[first..].iter().take_while(|row| row.file == place.name).count();
        let is_nothing = count == 0 && rows.is_empty();
        let (table, file, range) = (place.table, place.name, first..first + count);
        Ok((!is_nothing).then_some(Reread { table, file, range, rows }))
    }

    /// Takes a file's rows; what takes that back.
    pub(super) fn put(&mut self, reread: Reread) -> Reread {
        let Reread { table, file, range, rows } = reread;
        let held = self.tables.entry(table.clone()).or_default();
        let now = range.start..range.start + rows.len();
        let rows = held.splice(range, rows).collect();
        Reread { table, file, range: now, rows }
    }

    fn has_single_rows(&self, table: &str) -> bool {
        self.rows(table).iter().any(|row| row.stem.is_some())
    }

    /// The tables that have files, each with its rows.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &[Row])> {
        self.tables.iter().map(|(table, rows)| (table.as_str(), rows.as_slice()))
    }

    /// The rows of one table; none if no file is about it.
    pub fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// How many rows there are in all.
    pub fn len(&self) -> usize {
        self.tables.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Parsed {
    /// The row with its file's name, unless no database could hold it.
    fn finish(mut self, text: &Text, file: &str, stem: Option<&String>) -> Result<Row> {
        let marks = self.marks(text)?;
        if self.fields.is_empty() {
            return Err(text
                .error_on(self.line, "a row without fields")
                .help("give it fields, or remove it"));
        }
        let exact = escape::resolve(text, &mut self.fields)?;
        if let Some(field) = self.fields.iter().find(|field| has_nul(&field.value)) {
            let message =
                format!("{} holds a NUL character, which Postgres cannot store", field.name);
            return Err(text.error_on(field.line, message).help("remove the character \\u0000"));
        }
        let lines = self.fields.iter().map(|field| field.line).collect();
        let fields = self.fields.into_iter().map(|field| (field.name, field.value)).collect();
        let (file, path) = (file.to_owned(), text.path.clone());
        let stem = stem.cloned();
        Ok(Row { file, path, line: self.line, stem, fields, exact, marks, lines })
    }

    /// Takes the marks out of the fields.
    fn marks(&mut self, text: &Text) -> Result<Marks> {
        let Some(index) = self.fields.iter().position(|field| field.name == marks::NAME) else {
            return Ok(Marks::new());
        };
        let Field { value, line, .. } = self.fields.remove(index);
        marks::parse(&value).ok_or_else(|| {
            let message = format!("{} is not as an export writes it", marks::NAME);
            text.error_on(line, message).help("remove it: the values beside it are yours then")
        })
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
