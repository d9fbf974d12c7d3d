//! How a row is recognised again, so that the same file changes the same row every time.
//!
//! A row is known by the first of these that it has whole: the table's primary key, then its other
//! unique keys in the order they were made (a `slug`, or `page_name` and `version`). A row with none
//! of them gets an id made from a name: the file's name if the file is one row; otherwise its first
//! text column, and only where an earlier row of the table has the same, as many more text columns
//! as tell the two apart. So rows in a list may be reordered, and adding one never renames another.

use std::collections::HashMap;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::catalog::{Key, Table};
use super::read::Row;
use crate::error::{Error, Result};

/// A row and the columns it is known by.
pub(super) struct Known<'a> {
    pub row: &'a Row,
    /// The columns that name the row.
    pub by: &'a [String],
    /// The id made for the row, if its file gives none: `(column, id)`.
    pub made: Option<(&'a str, Uuid)>,
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

    /// Whether the row is found by the id made for it.
    pub fn is_by_made_id(&self) -> bool {
        self.made.is_some_and(|(column, _)| self.by == [column.to_owned()])
    }
}

/// Finds out how each row is known; two rows with one identity are an error that names both.
pub(super) fn identify<'a>(table: &'a Table, rows: &'a [Row]) -> Result<Vec<Known<'a>>> {
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
    Ok(Known { row, by, made })
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
pub(super) fn double(table: &Table, columns: &[String], first: &Row, second: &Row) -> Error {
    let value = |column| second.fields.get(column).map(|value| format!("{column} = {value}"));
    let values: Vec<String> = columns.iter().filter_map(value).collect();
    let place = columns.first().map_or_else(|| second.place(), |column| second.place_of(column));
    let other = columns.first().map_or_else(|| first.place(), |column| first.place_of(column));
    let (table, values) = (&table.name, values.join(", "));
    Error::content(format!("{place}: {other} already has a row of {table} with {values}"))
        .help("give one of the two another value, or remove it")
}

/// A UUID that is always the same for one name in one table.
fn id(table: &Table, name: &str) -> Uuid {
    let hash =
        Sha256::new().chain_update(&table.name).chain_update("/").chain_update(name).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// The names given so far to rows without a key of their own.
#[derive(Default)]
struct Names(std::collections::HashSet<String>);

impl Names {
    fn name(&mut self, table: &Table, row: &Row) -> String {
        let mut name = String::new();
        if let Some(stem) = &row.stem {
            name = format!("file {stem}");
        } else {
            for text in texts(table, row) {
                name = format!("{name}\u{1f}{text}");
                if !self.0.contains(&name) {
                    break;
                }
            }
        }
        // Two rows that say the same: the second is known by being the second.
        let mut candidate = name.clone();
        let mut count = 1;
        while !self.0.insert(candidate.clone()) {
            count += 1;
            candidate = format!("{name}\u{1f}#{count}");
        }
        candidate
    }
}

/// The row's texts in the order of the table's columns.
fn texts<'a>(table: &'a Table, row: &'a Row) -> impl Iterator<Item = &'a str> {
    let columns = table.columns.iter().filter(|column| column.is_text && !column.is_array);
    columns.filter_map(|column| row.fields.get(&column.name)?.as_str())
}
