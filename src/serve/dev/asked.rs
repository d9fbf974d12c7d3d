//! What is asked of the database and was not done yet.

use std::time::Instant;

use crate::db::listen::Written;
use crate::db::seed::Touched;
use crate::serve::desk::Question;

/// What is to be told once it is done.
#[derive(Debug, Default)]
pub struct Label {
    names: Vec<String>,
    since: Option<Instant>,
}

impl Label {
    pub fn add(&mut self, name: String, since: Instant) {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.since = Some(self.since.map_or(since, |known| known.min(since)));
    }

    /// Its text, and since when.
    pub fn told(self) -> Option<(String, Instant)> {
        self.since.map(|since| (self.names.join(", "), since))
    }
}

/// Rows to look at.
#[derive(Debug, Default)]
pub struct Ask {
    /// All of them.
    pub again: bool,
    /// Files of `content/` that changed.
    pub files: Vec<String>,
    pub touched: Touched,
    pub label: Label,
}

impl Ask {
    pub fn is_empty(&self) -> bool {
        !self.again && self.files.is_empty() && self.touched.is_empty()
    }

    /// Rows that somebody wrote; all of them where it is not known which.
    pub fn written(&mut self, written: Vec<Option<Written>>) {
        let mut names = Vec::new();
        for written in written {
            let Some(Written { table, keys }) = written else {
                self.again = true;
                continue;
            };
            names.push(table.clone());
            match keys {
                Some(keys) => self.touched.rows.push((table, keys)),
                None => self.touched.tables.push(table),
            }
        }
        self.rows_of(names);
    }

    /// As people are told of rows.
    pub fn rows_of(&mut self, mut tables: Vec<String>) {
        tables.sort();
        tables.dedup();
        let rows = if tables.is_empty() { "rows".to_owned() } else { "rows of ".to_owned() };
        self.label.add(rows + &tables.join(", "), Instant::now());
    }
}

/// Everything that is due, each kind before the next.
#[derive(Debug, Default)]
pub struct Due {
    /// The site as a whole.
    pub open: bool,
    /// What of it is told.
    pub opened: Label,
    /// Beginning to listen.
    pub listen: bool,
    pub rows: Ask,
    /// Who wants to know how the queue stands.
    pub queue: Vec<Question>,
    /// Looking whether something changed.
    pub poll: bool,
}
