//! Keeping the store small: the least recently used entries go first.

use serde::Serialize;

use super::Cache;
use super::listing::{self, Found};
use super::marks::Marks;
use crate::error::Result;

/// What pruning did to the store. Sizes are those of the files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Entries that were removed, and their bytes.
    pub removed: usize,
    pub freed: u64,
    /// Entries that are still there, and their bytes.
    pub kept: usize,
    pub bytes: u64,
}

/// What became of an entry that was to go.
enum Fate {
    Removed,
    /// Somebody else removed it.
    Gone,
    /// Somebody has used it meanwhile.
    Used,
}

impl Cache {
    /// Removes the least recently used entries until the rest has at most `max_bytes`; but none
    /// that anybody used since this store was opened.
    pub fn prune(&self, max_bytes: u64) -> Result<Pruned> {
        self.folder.sweep()?;
        let mut entries = self.folder.list()?;
        let mut pruned = Pruned::nothing(&entries);
        if pruned.bytes > max_bytes {
            entries.sort_by_cached_key(|entry| Marks::rank(entry.modified));
        }
        for entry in entries {
            if pruned.bytes <= max_bytes {
                break;
            }
            pruned.count(&entry, &self.remove_unused(&entry)?);
        }
        Ok(pruned)
    }

    fn remove_unused(&self, entry: &Found) -> Result<Fate> {
        // The list may be old by now: what counts is the mark of this moment.
        let mark = std::fs::symlink_metadata(&entry.path).and_then(|seen| seen.modified());
        if mark.is_ok_and(|mark| self.marks.is_fresh(mark)) {
            return Ok(Fate::Used);
        }
        Ok(if listing::remove(&entry.path)? { Fate::Removed } else { Fate::Gone })
    }
}

impl Pruned {
    fn nothing(entries: &[Found]) -> Self {
        let bytes = entries.iter().map(|entry| entry.len).sum();
        Self { kept: entries.len(), bytes, ..Self::default() }
    }

    fn count(&mut self, entry: &Found, fate: &Fate) {
        if let Fate::Used = fate {
            return;
        }
        self.kept -= 1;
        self.bytes -= entry.len;
        if let Fate::Removed = fate {
            self.removed += 1;
            self.freed += entry.len;
        }
    }
}
