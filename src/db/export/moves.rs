//! Rows that are no longer known by what their file says: somebody gave them another slug or name,
//! or deleted them. What seeding recorded tells.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::stored::Stored;
use crate::db::seed::catalog::Table;
use crate::db::seed::identity::Known;
use crate::db::seed::state::{Record, in_part};

/// What is known about a table's rows from before.
pub(super) struct Before<'b> {
    pub table: &'b Table,
    pub stored: &'b [Stored],
    /// What seeding left, by key.
    pub recorded: &'b HashMap<String, Record>,
}

impl Before<'_> {
    /// Gives rows of the files that nothing was found for the row they were seeded as.
    pub fn recover(&self, known: &[Known<'_>], found: &mut [Option<usize>]) {
        let mut taken: HashSet<usize> = found.iter().flatten().copied().collect();
        let hashes: Vec<String> = known.iter().map(|known| known.hash(self.table)).collect();
        for by_hash in [true, false] {
            for (index, known) in known.iter().enumerate().filter(|(index, _)| found[*index].is_none()).collect::<Vec<_>>() {
                let is_it = |(row, stored): &(usize, &Stored)| {
                    !taken.contains(row) && self.is_seeded_as(stored, known, &hashes[index], by_hash)
                };
                let row = self.stored.iter().enumerate().find(is_it).map(|(row, _)| row);
                found[index] = row;
                taken.extend(row);
            }
        }
    }

    /// Whether the row came from this file's row: exactly as it stands there, or by its made id.
    fn is_seeded_as(&self, stored: &Stored, known: &Known<'_>, hash: &str, by_hash: bool) -> bool {
        let record = self.recorded.get(&stored.key);
        if by_hash {
            return record.is_some_and(|record| says(record, hash));
        }
        let is_same_file = record.is_none_or(|record| record.file == known.row.file);
        is_same_file && self.key(known).is_some_and(|key| key == keys(&stored.key))
    }

    /// Whether a row of the files that the database lacks was there once.
    pub fn was_there(&self, known: &Known<'_>) -> bool {
        let there: HashSet<&str> = self.stored.iter().map(|stored| stored.key.as_str()).collect();
        let (hash, key) = (known.hash(self.table), self.key(known));
        let mut gone = self.recorded.iter().filter(|(key, _)| !there.contains(key.as_str()));
        gone.any(|(recorded, record)| {
            says(record, &hash) || key.as_ref().is_some_and(|key| *key == keys(recorded))
        })
    }

    /// The row's primary key as its file, or its name, gives it.
    fn key(&self, known: &Known<'_>) -> Option<Map<String, Value>> {
        let columns = self.table.primary_key();
        let value = |column: &String| {
            let made = known.made.filter(|(name, _)| name == column);
            let value = made.map(|(_, id)| Value::from(id.to_string()));
            Some((column.clone(), value.or_else(|| known.row.fields.get(column).cloned())?))
        };
        let key: Option<Map<_, _>> = columns.iter().map(value).collect();
        key.filter(|key| !key.is_empty()).map(lower)
    }
}

fn says(record: &Record, hash: &str) -> bool {
    record.hash == hash || record.hash == in_part(hash)
}

fn keys(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).map(lower).unwrap_or_default()
}

/// A UUID may be written in capitals.
fn lower(key: Map<String, Value>) -> Map<String, Value> {
    let lower = |value: Value| match value {
        Value::String(text) if uuid::Uuid::try_parse(&text).is_ok() => text.to_lowercase().into(),
        other => other,
    };
    key.into_iter().map(|(column, value)| (column, lower(value))).collect()
}
