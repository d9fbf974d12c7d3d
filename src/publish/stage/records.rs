//! The new generation as its files come in, from many threads; each path once.

use std::collections::HashMap;

use super::dir::parent;
use super::sharded::Sharded;
use super::state::Entry;
use crate::error::{Error, Result};

/// Where the content of a file is before the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the live tree, under the same path.
    Live,
    /// In the staging tree.
    Staged,
}

#[derive(Debug)]
pub struct Record {
    pub entry: Entry,
    pub place: Place,
}

#[derive(Default)]
pub struct Records(Sharded<HashMap<String, Option<Record>>>);

impl Records {
    /// Reserves a path for one file, before anything is written under it.
    pub fn claim(&self, path: &str) -> Result<()> {
        if self.0.of(path).insert(path.to_owned(), None).is_none() {
            return Ok(());
        }
        Err(Error::output(format!("{path} is written twice"))
            .help("two pages or files have this path: change one of them"))
    }

    /// Whether something above this path is a file of the same generation.
    pub fn is_below_a_file(&self, path: &str) -> bool {
        let mut above = parent(path);
        while !above.is_empty() && !self.0.of(above).contains_key(above) {
            above = parent(above);
        }
        !above.is_empty()
    }

    /// Says what a claimed path holds.
    pub fn fill(&self, path: &str, record: Record) {
        if let Some(slot) = self.0.of(path).get_mut(path) {
            *slot = Some(record);
        }
    }

    /// Claims and fills at once; `false` where the path is taken.
    pub fn adopt(&self, path: &str, record: Record) -> bool {
        let mut shard = self.0.of(path);
        let free = !shard.contains_key(path);
        if free {
            shard.insert(path.to_owned(), Some(record));
        }
        free
    }

    /// All paths in order, and the record of each. A path that was claimed and not filled is an error:
    /// its writer failed, and a site without it must not go out.
    pub fn into_sorted(self) -> Result<(Vec<String>, Vec<Record>)> {
        let mut files: Vec<_> = self.0.into_each().flatten().collect();
        files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let (paths, records): (Vec<_>, Vec<_>) = files.into_iter().unzip();
        let lost = records.iter().position(Option::is_none).map(|at| &paths[at]);
        if let Some(path) = lost {
            return Err(Error::output(format!("{path} was not written")));
        }
        Ok((paths, records.into_iter().flatten().collect()))
    }
}
