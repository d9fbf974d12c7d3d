//! Changes that wait.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// More tables than this are counted as one.
const MOST_TABLES: usize = 200;
const OTHERS: &str = "(others)";

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    pub first: i64,
    pub last: i64,
    pub count: u64,
    pub tables: BTreeMap<String, u64>,
    /// Those of them that only a look into the database found.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    found: BTreeSet<String>,
}

impl Pending {
    pub fn since(at: i64) -> Self {
        Self { first: at, last: at, ..Self::default() }
    }

    pub fn add(&mut self, at: i64, table: String, count: u64) {
        self.first = self.first.min(at);
        self.last = self.last.max(at);
        self.count += count;
        let is_room = self.tables.len() < MOST_TABLES || self.tables.contains_key(&table);
        let name = if is_room { table } else { OTHERS.to_owned() };
        self.found.remove(&name);
        *self.tables.entry(name).or_default() += count;
    }

    /// A look into the database found it.
    pub fn find(&mut self, at: i64, table: String) {
        let is_first = !self.tables.contains_key(&table);
        self.add(at, table.clone(), 1);
        if is_first && self.tables.contains_key(&table) {
            self.found.insert(table);
        }
    }

    /// What was only found, and is not there any more, some build has taken in.
    pub fn keep_found(&mut self, is_there: impl Fn(&str) -> bool) {
        let gone: Vec<_> = self.found.iter().filter(|table| !is_there(table)).cloned().collect();
        for table in gone {
            self.found.remove(&table);
            let count = self.tables.remove(&table).unwrap_or_default();
            self.count = self.count.saturating_sub(count);
        }
    }

    /// What waited before comes back: it has had its quiet time, and counts from when it came.
    pub fn take_back(&mut self, former: Self) {
        for (table, count) in former.tables {
            self.add(former.first, table, count);
        }
    }

    pub fn move_by(&mut self, by: i64) {
        self.first = self.first.saturating_add(by);
        self.last = self.last.saturating_add(by);
    }

    pub fn not_after(&mut self, now: i64) {
        (self.first, self.last) = (self.first.min(now), self.last.min(now));
    }
}
