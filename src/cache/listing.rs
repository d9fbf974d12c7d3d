//! What lies in the folder: entries, and what writers that died have left. Nothing else in it is
//! the store's to remove.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::folder::{Folder, NEW, is_missing};
use crate::error::Result;
use crate::fs::failed;

/// No write takes as long: what is older was left by a process that died.
const STALE: Duration = Duration::from_hours(1);

/// An entry's file as it was found.
pub struct Found {
    pub path: PathBuf,
    pub len: u64,
    pub modified: SystemTime,
}

impl Folder {
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
}

/// Removes a file; `false` if somebody else already has.
pub fn remove(path: &Path) -> Result<bool> {
    match fs::remove_file(path) {
        Err(error) if is_missing(&error) => Ok(false),
        removed => removed.map(|()| true).map_err(|error| failed("remove", path, error)),
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

fn is_shard(name: &str) -> bool {
    is_hex(name, 2)
}

fn is_rest(name: &str) -> bool {
    is_hex(name, 62)
}

fn is_hex(name: &str, len: usize) -> bool {
    name.len() == len && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
