//! A content-addressed store for the results of pure functions and for what was downloaded: entries
//! by the hash of all they were made from. It does not know what they are.
//!
//! Entries only ever appear and disappear as a whole, so any number of threads and programs may use
//! a store at once, without a lock, and be killed at any moment. Any entry, and the whole folder,
//! may go at any time: who asks for one must be able to make it.

mod entry;
mod folder;
mod listing;
mod marks;
mod place;
mod prune;
mod remote;

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::path::Path;

pub use self::place::default_folder;
pub use self::prune::Pruned;
pub use self::remote::{RemoteReport, RemoteStore};
use crate::error::{Error, Result};
use folder::Folder;
use marks::Marks;
use remote::{Link, PATIENCE};

/// The hash of everything an entry was made from.
pub type Key = [u8; 32];

/// A store in a folder. Safe to use from many threads and many programs at once.
#[derive(Debug)]
pub struct Cache {
    folder: Folder,
    marks: Marks,
    remote: Option<Link>,
}

impl Cache {
    /// The store in `folder`, which is created when something is first put into it.
    pub fn open(folder: &Path) -> Result<Self> {
        if std::fs::metadata(folder).is_ok_and(|there| !there.is_dir()) {
            let message = format!("the cache cannot be in {}: it is no folder", folder.display());
            return Err(Error::output(message).help("remove it, or choose another folder"));
        }
        Ok(Self { folder: Folder::new(folder), marks: Marks::new(), remote: None })
    }

    /// The same store, linked to one that other machines use too.
    #[must_use]
    pub fn with_remote(self, remote: RemoteStore) -> Self {
        let link = Link::new(remote, self.folder.clone());
        Self { remote: Some(link), ..self }
    }

    /// An entry's content, checked against its checksum; `None` where it is missing or damaged.
    pub fn get(&self, key: &Key) -> Option<Vec<u8>> {
        let path = self.folder.entry(key);
        let file = std::fs::read(&path).ok()?;
        let payload = entry::open(key, file);
        if payload.is_none() {
            self.folder.discard(key);
        } else if let Ok(seen) = std::fs::metadata(&path) {
            self.marks.renew(&path, &seen);
        }
        payload
    }

    /// The length of an entry's content in bytes, without reading it: of one that is damaged,
    /// though not too short to be whole, only [`Cache::get`] can tell.
    pub fn len(&self, key: &Key) -> Option<u64> {
        let path = self.folder.entry(key);
        let seen = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let len = entry::payload_len(seen.len())?;
        self.marks.renew(&path, &seen);
        Some(len)
    }

    /// Marks an entry as used, though nobody reads it; `false` if it is missing.
    pub fn touch(&self, key: &Key) -> bool {
        self.len(key).is_some()
    }

    /// Keeps an entry; one of that key that is there already is replaced.
    pub fn put(&self, key: &Key, bytes: &[u8]) -> Result<()> {
        self.folder.write(key, bytes)?;
        if let Some(remote) = &self.remote {
            remote.offer(*key);
        }
        Ok(())
    }

    /// The folder itself, for what is kept beside the entries.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }

    /// Whether there is a second store to ask.
    pub fn has_remote(&self) -> bool {
        self.remote.is_some()
    }

    /// Brings those of the entries that are missing here from the remote store, and says how many
    /// came. Whatever goes wrong there, the caller has to make the others itself.
    pub fn fetch(&self, keys: &[Key]) -> usize {
        let Some(remote) = &self.remote else { return 0 };
        let mut seen = HashSet::new();
        let missing = keys.iter().filter(|key| seen.insert(**key) && !self.touch(key));
        remote.fetch(missing.copied().collect())
    }

    /// Waits, for a minute at most, until the remote store has what was put. `None` without one.
    pub fn finish(&self) -> Option<RemoteReport> {
        self.remote.as_ref().map(|remote| remote.finish(PATIENCE))
    }
}
