//! Rows that are no longer known by what their file says: somebody gave them another slug or name,
//! or deleted them. What seeding recorded tells.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Map, Value};

use super::stored::Stored;
use crate::db::seed::catalog::Table;
use crate::db::seed::identity::Known;
use crate::db::seed::state::{Record, row_hash};

/// What is known about a table's rows from before.
pub(super) struct Before<'b> {
    table: &'b Table,
    /// Rows that are there, by the hash of the file's row they were seeded from, and by their key.
    by_hash: HashMap<&'b str, usize>,
    by_key: HashMap<String, usize>,
    /// The files that rows were seeded from.
    files: HashMap<usize, &'b str>,
    /// The same of rows that are gone.
    gone_hashes: HashSet<&'b str>,
    gone_keys: HashSet<String>,
}

impl<'b> Before<'b> {
    pub fn new(
        table: &'b Table,
        stored: &'b [Stored],
        recorded: &'b HashMap<String, Record>,
    ) -> Self {
        let mut before = Self {
            table,
            by_hash: HashMap::new(),
            by_key: HashMap::new(),
            files: HashMap::new(),
            gone_hashes: HashSet::new(),
            gone_keys: HashSet::new(),
        };
        for (index, row) in stored.iter().enumerate() {
            before.by_key.extend(key(table, &parsed(&row.key)).map(|key| (key, index)));
            if let Some(record) = recorded.get(&row.key) {
                before.by_hash.extend(row_hash(&record.hash).map(|hash| (hash, index)));
                before.files.insert(index, &record.file);
            }
        }
        let there: HashSet<&str> = stored.iter().map(|row| row.key.as_str()).collect();
        for (gone, record) in recorded.iter().filter(|(key, _)| !there.contains(key.as_str())) {
            before.gone_hashes.extend(row_hash(&record.hash));
            before.gone_keys.extend(key(table, &parsed(gone)));
        }
        before
    }

    /// Gives rows of the files that nothing was found for the row they were seeded as: exactly as
    /// they stand there, or by their key.
    pub fn recover(&self, known: &[Known<'_>], found: &mut [Option<usize>]) {
        let mut taken: HashSet<usize> = found.iter().flatten().copied().collect();
        for way in [Self::seeded_as_it_stands, Self::seeded_under_its_key] {
            for (known, found) in known.iter().zip(found.iter_mut()) {
                if found.is_none() {
                    *found = way(self, known).filter(|index| taken.insert(*index));
                }
            }
        }
    }

    fn seeded_as_it_stands(&self, known: &Known<'_>) -> Option<usize> {
        self.by_hash.get(known.row_hash(self.table).as_str()).copied()
    }

    fn seeded_under_its_key(&self, known: &Known<'_>) -> Option<usize> {
        let index = *self.by_key.get(&self.key(known)?)?;
        let file = self.files.get(&index);
        file.is_none_or(|file| *file == known.row.file).then_some(index)
    }

    /// Whether a row of the files that the database lacks was there once, just as it stands in its
    /// file: as it was seeded, or as the last export left it. One that was edited since stays.
    pub fn was_there(&self, known: &Known<'_>, exported: &BTreeSet<String>) -> bool {
        let hash = known.row_hash(self.table);
        let was_there = || self.key(known).is_some_and(|key| self.gone_keys.contains(&key));
        self.gone_hashes.contains(hash.as_str()) || (exported.contains(&hash) && was_there())
    }

    /// The row's primary key as its file, or its name, gives it.
    fn key(&self, known: &Known<'_>) -> Option<String> {
        let mut fields = Map::new();
        for column in self.table.primary_key() {
            let made = known.made.filter(|(name, _)| name == column);
            let made = made.map(|(_, id)| Value::from(id.to_string()));
            let value = made.or_else(|| known.row.fields.get(column).cloned());
            fields.insert(column.clone(), value?);
        }
        key(self.table, &fields)
    }
}

fn parsed(key: &str) -> Map<String, Value> {
    serde_json::from_str(key).unwrap_or_default()
}

/// The values of a primary key as one text; a UUID may be written in capitals.
fn key(table: &Table, fields: &Map<String, Value>) -> Option<String> {
    let value = |column: &String| match fields.get(column)? {
        Value::String(text) if uuid::Uuid::try_parse(text).is_ok() => {
            Some(Value::from(text.to_lowercase()))
        }
        other => Some(other.clone()),
    };
    let values: Option<Vec<Value>> = table.primary_key().iter().map(value).collect();
    values.filter(|values| !values.is_empty()).map(|values| Value::Array(values).to_string())
}
