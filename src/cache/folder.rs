//! Entries as files: what they are called, and how they come and go in one step. An entry lies in
//! a folder named by the first byte of its key; what is being written lies in `new` until it is
//! renamed, so that nothing incomplete ever has an entry's name.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Key, entry};
use crate::error::Result;
use crate::fs::failed;

/// What is being written.
pub const NEW: &str = "new";

#[derive(Debug, Clone)]
pub struct Folder {
    pub path: PathBuf,
}

impl Folder {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_path_buf() }
    }

    pub fn entry(&self, key: &Key) -> PathBuf {
        self.path.join(name(key))
    }

    /// Writes an entry, in the place of one that may be there.
    pub fn write(&self, key: &Key, payload: &[u8]) -> Result<()> {
        let checksum = entry::checksum(key, payload);
        self.place(key, &[payload, &checksum])
    }

    /// The same for a file that has its checksum and was seen to be whole.
    pub fn write_whole(&self, key: &Key, file: &[u8]) -> Result<()> {
        self.place(key, &[file])
    }

    fn place(&self, key: &Key, parts: &[&[u8]]) -> Result<()> {
        let entry = self.entry(key);
        let attempt = || {
            let new = self.temporary();
            let placed = write_file(&new, parts).and_then(|()| rename(&new, &entry));
            placed.inspect_err(|_| drop(fs::remove_file(&new)))
        };
        // Somebody may be removing the whole store, which anybody may at any time.
        let again = |error: io::Error| if is_missing(&error) { attempt() } else { Err(error) };
        attempt().or_else(again).map_err(|error| {
            failed("write", &entry, error).help(format!(
                "the cache needs a folder that can be written to, with room in it; {} itself may \
                 be removed at any time",
                self.path.display()
            ))
        })
    }

    /// Takes a damaged entry away. A whole one that took its place meanwhile goes back.
    pub fn discard(&self, key: &Key) {
        let (entry, aside) = (self.entry(key), self.temporary());
        if rename(&entry, &aside).is_err() {
            return;
        }
        let whole = fs::read(&aside).is_ok_and(|file| entry::is_whole(key, &file));
        if !whole || fs::rename(&aside, &entry).is_err() {
            let _ = fs::remove_file(&aside);
        }
    }

    fn temporary(&self) -> PathBuf {
        self.path.join(NEW).join(uuid::Uuid::new_v4().simple().to_string())
    }
}

/// An entry's path inside the store, here and in a remote one.
pub fn name(key: &Key) -> String {
    let hex = blake3::Hash::from_bytes(*key).to_hex();
    format!("{}/{}", &hex[..2], &hex[2..])
}

/// Not flushed to the disk: what a power loss tears, the checksum tells.
fn write_file(path: &Path, parts: &[&[u8]]) -> io::Result<()> {
    let mut file = with_folder(path, || File::create_new(path))?;
    for part in parts {
        file.write_all(part)?;
    }
    // The kernel's own stamp is of its last tick, which may be before the store was opened.
    file.set_modified(SystemTime::now())
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    with_folder(to, || fs::rename(from, to))
}

/// Does something to a path, whose folder is made only if it turns out to be missing.
fn with_folder<T>(path: &Path, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match act() {
        Err(error) if is_missing(&error) => {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            act()
        }
        done => done,
    }
}

pub fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}
