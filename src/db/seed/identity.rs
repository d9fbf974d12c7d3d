//! How a row is recognised again, so that the same file changes the same row every time.
//!
//! A row is known by the first of these that it has whole: the table's primary key, then its other
//! unique keys in the order they were made (a `slug`, or `page_name` and `version`). A row with none
//! of them gets an id made from a name: the file's name if the file is one row; otherwise its first
//! text column, and only where an earlier row of the table has the same, as many more text columns
//! as tell the two apart. So rows in a list may be reordered, and adding one never renames another.

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::catalog::{Key, Table};
use super::names::{Names, id};
use super::read::Row;
use super::{marks, state};
use crate::error::{Error, Result};

/// A row and the columns it is known by.
pub(in crate::db) struct Known<'a> {
    pub row: &'a Row,
    /// The columns that name the row.
    pub by: &'a [String],
    /// The id made for the row, if its file gives none: `(column, id)`.
    pub made: Option<(&'a str, Uuid)>,
    /// Columns that stay as models wrote them, whatever the file says.
    pub held: Vec<String>,
}

impl Known<'_> {
    /// The columns the row is known by, with their values.
    pub fn key(&self) -> Map<String, Value> {
        let value = |column: &String| {
            let made = self.made.filter(|(name, _)| name == column);
            made.map_or_else(|| self.row.fields[column].clone(), |(_, id)| id.to_string().into())
        };
        self.by.iter().map(|column| (column.clone(), value(column))).collect()
    }

    /// The row as JSON, with the id made for it last, where it wins over an `id = null`.
    pub fn document(&self) -> String {
        let mut json = if !self.held.is_empty() {
            spliced(self.row, &self.held)
        } else if self.row.exact.is_empty() {
            serde_json::to_string(&self.row.fields).unwrap_or_default()
        } else {
            spliced(self.row, &[])
        };
        if let Some((column, id)) = self.made {
            json.pop();
            let comma = if json.len() > 1 { "," } else { "" };
            let _ = write!(json, "{comma}{}:\"{id}\"}}", Value::from(column));
        }
        json
    }

    /// What a statement takes of the row: the row itself as `d`; as `v` the columns that go back to
    /// their default; as `j` the text of those whose JSON has to be read by itself.
    pub fn item(&self, vanished: &[&str]) -> String {
        let mut item = format!("{{\"d\":{}", self.document());
        let vanished: Map<String, Value> =
            vanished.iter().map(|column| ((*column).to_owned(), true.into())).collect();
        let spelled: Map<String, Value> =
            self.row.spelled().map(|(column, json)| (column.to_owned(), json.into())).collect();
        for (name, part) in [("v", vanished), ("j", spelled)] {
            if !part.is_empty() {
                let _ = write!(item, ",\"{name}\":{}", Value::Object(part));
            }
        }
        item.push('}');
        item
    }

    /// Whether the row, as it is written, says something of a column.
    pub fn says(&self, column: &String) -> bool {
        self.row.fields.contains_key(column) && !self.held.contains(column)
    }

    /// Two hashes are equal if one file says the same of a table of the same shape.
    pub fn hash(&self, table: &Table) -> String {
        state::whole_hash(&self.row_hash(table), &hash([&table.signature, &self.row.file]))
    }

    /// The same of the row alone, wherever it stands and whatever has become of its table.
    pub fn row_hash(&self, table: &Table) -> String {
        if self.row.marks.is_empty() {
            return hash([&table.name, &self.document()]);
        }
        let marks = marks::to_value(&self.row.marks).to_string();
        hash([&table.name, &format!("{}{marks}", self.document())])
    }

    /// Whether the row is found by the id made for it.
    pub fn is_by_made_id(&self) -> bool {
        self.made.is_some_and(|(column, _)| self.by == [column.to_owned()])
    }
}

fn hash(parts: [&str; 2]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

/// The row as JSON without some columns, with the values that are given as JSON word by word.
fn spliced(row: &Row, without: &[String]) -> String {
    let mut json = String::from("{");
    for (name, value) in row.fields.iter().filter(|(name, _)| !without.contains(name)) {
        let comma = if json.len() > 1 { "," } else { "" };
        let _ = write!(json, "{comma}{}:", Value::from(name.as_str()));
        match row.exact.get(name) {
            Some(exact) => json.push_str(exact),
            None => json.push_str(&value.to_string()),
        }
    }
    json.push('}');
    json
}

/// Finds out how each row is known; two rows with one identity are an error that names both.
pub(in crate::db) fn identify<'a>(table: &'a Table, rows: &'a [Row]) -> Result<Vec<Known<'a>>> {
    for key in &table.keys {
        reject_doubles(table, key, rows)?;
    }
    let mut names = Names::default();
    rows.iter().map(|row| known(table, row, &mut names)).collect()
}

fn known<'a>(table: &'a Table, row: &'a Row, names: &mut Names) -> Result<Known<'a>> {
    let key = table.keys.iter().find(|key| text_of(row, key).is_some());
    let made = match (table.uuid_key(), key) {
        (Some(column), Some(key)) if !key.is_primary => {
            let name = text_of(row, key).unwrap_or_default();
            Some((column.name.as_str(), id(table, &format!("{} {name}", key.columns.join(" ")))))
        }
        (Some(column), None) => Some((column.name.as_str(), id(table, &names.name(table, row)))),
        _ => None,
    };
    let by = match key {
        Some(key) => &key.columns,
        None if made.is_some() => table.primary_key(),
        None => return Err(unrecognisable(table, row)),
    };
    Ok(Known { row, by, made, held: Vec::new() })
}

fn unrecognisable(table: &Table, row: &Row) -> Error {
    let keys: Vec<String> = table.keys.iter().map(|key| key.columns.join(" and ")).collect();
    let help = if keys.is_empty() {
        format!("give the table {} a primary key or a unique constraint", table.name)
    } else {
        format!("give the row {}", keys.join(", or "))
    };
    Error::content(format!("{}: nothing tells this row from the others", row.place())).help(help)
}

/// The row's value of a key as text, if it has all of the key's columns.
fn text_of(row: &Row, key: &Key) -> Option<String> {
    let mut text = String::new();
    for column in &key.columns {
        match row.fields.get(column)? {
            Value::Null => return None,
            Value::String(value) => text.push_str(value),
            other => text.push_str(&other.to_string()),
        }
        text.push('\u{1f}');
    }
    Some(text)
}

fn reject_doubles(table: &Table, key: &Key, rows: &[Row]) -> Result<()> {
    let mut seen: HashMap<String, &Row> = HashMap::new();
    for row in rows {
        let Some(text) = text_of(row, key) else { continue };
        if let Some(first) = seen.insert(text, row) {
            return Err(double(table, &key.columns, first, row));
        }
    }
    Ok(())
}

/// The error for two rows of the files that are one row of the table.
pub(in crate::db) fn double(table: &Table, columns: &[String], first: &Row, second: &Row) -> Error {
    let value = |column| second.fields.get(column).map(|value| format!("{column} = {value}"));
    let values: Vec<String> = columns.iter().filter_map(value).collect();
    let place = columns.first().map_or_else(|| second.place(), |column| second.place_of(column));
    let other = columns.first().map_or_else(|| first.place(), |column| first.place_of(column));
    let (table, values) = (&table.name, values.join(", "));
    Error::content(format!("{place}: {other} already has a row of {table} with {values}"))
        .help("give one of the two another value, or remove it")
}
