//! Entries as files: what they are called, how they come and go in one step, and what is there.
//! An entry lies in a folder named by the first byte of its key; what is being written lies in
//! `new` until it is renamed, so that nothing incomplete ever has an entry's name.

use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Key, entry};
use crate::error::Result;
use crate::fs::failed;

const NEW: &str = "new";

/// No write takes as long: what is older was left by a process that died.
const STALE: Duration = Duration::from_hours(1);

#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
}

/// An entry's file as it was found.
pub struct Found {
    pub path: PathBuf,
    pub len: u64,
    pub modified: SystemTime,
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

    /// All entries. One that goes while this looks may be missing.
    pub fn list(&self) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for shard in read_dir(&self.path, is_shard)? {
            for file in read_dir(&shard.path(), is_rest)? {
                found.extend(look(&file)?);
            }
        }
        Ok(found)
    }

    /// Removes what processes that died left half written.
    pub fn sweep(&self) -> Result<()> {
        let Some(before) = SystemTime::now().checked_sub(STALE) else { return Ok(()) };
        for file in read_dir(&self.path.join(NEW), |_| true)? {
            if let Some(found) = look(&file)?
                && found.modified < before
            {
                remove(&found.path)?;
            }
        }
        Ok(())
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

/// Removes a file; `false` if somebody else already has.
pub fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Err(error) if is_missing(&error) => Ok(false),
        removed => removed.map(|()| true).map_err(|error| failed("remove", path, error)),
    }
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

/// The files and folders of a folder whose names are of some form. None, if it is not there.
fn read_dir(path: &Path, form: impl Fn(&str) -> bool) -> Result<Vec<DirEntry>> {
    let list = || fs::read_dir(path)?.collect::<io::Result<Vec<_>>>();
    let mut entries = match list() {
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        listed => listed.map_err(|error| failed("list", path, error))?,
    };
    entries.retain(|entry| entry.file_name().to_str().is_some_and(&form));
    Ok(entries)
}

fn look(file: &DirEntry) -> Result<Option<Found>> {
    let path = file.path();
    match file.metadata().and_then(|seen| Ok((seen.is_file(), seen.len(), seen.modified()?))) {
        Ok((true, len, modified)) => Ok(Some(Found { path, len, modified })),
        Ok(_) => Ok(None),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(failed("look at", &path, error)),
    }
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

fn is_shard(name: &str) -> bool {
    is_hex(name, 2)
}

fn is_rest(name: &str) -> bool {
    is_hex(name, 62)
}

/// Nothing else in the folder is the store's to remove.
fn is_hex(name: &str, len: usize) -> bool {
    name.len() == len && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
