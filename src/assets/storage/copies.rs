//! The copies of originals, in `.frieze/originals`. Once there, a copy is never changed.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use super::durable;
use crate::error::{Error, Result};
use crate::fs;

pub struct Copies {
    root: PathBuf,
    /// Held as long as copies are made: the kernel releases it however the process ends.
    lock: File,
}

const FOLDER: &str = ".frieze/originals";
const LOCK: &str = ".frieze/originals.lock";

impl Copies {
    /// The folder below a site's root, for one process at a time. It is created with its first copy.
    pub fn open(root: &Path) -> Result<Self> {
        let path = root.join(LOCK);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        let lock = File::options().write(true).create(true).truncate(false).open(&path);
        let lock = lock.map_err(|error| fs::failed("open", &path, error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { root: root.to_owned(), lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::output("another `frieze images` is recompressing originals here")
                    .help("wait until it is done, or stop it"))
            }
            Err(TryLockError::Error(error)) => Err(fs::failed("lock", &path, error)),
        }
    }

    /// Keeps a copy under a path of segments with `/` between them, and says where it is. Another
    /// file that is there already is kept too.
    pub fn keep(&self, below: &str, bytes: &[u8]) -> Result<PathBuf> {
        let folder = self.root.join(FOLDER);
        let mut path = folder.join(below);
        let mut number = 1;
        while path.try_exists().map_err(|error| fs::failed("look at", &path, error))? {
            if fs::read(&path)? == bytes {
                return Ok(path);
            }
            number += 1;
            path = folder.join(numbered(below, number));
        }
        self.create_folders(&path)?;
        durable::create(&path, bytes)?;
        Ok(path)
    }

    /// Creates the folders a file is in, and puts them onto the disk from the site's root on.
    fn create_folders(&self, path: &Path) -> Result<()> {
        let Some(folder) = path.parent() else { return Ok(()) };
        fs::create_dir_all(folder)?;
        let above = folder.ancestors().take_while(|it| it.starts_with(&self.root));
        above.filter(|it| !it.as_os_str().is_empty()).try_for_each(durable::sync)
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        let _ = self.lock.unlock();
    }
}

/// `a/photo.jpg` becomes `a/photo.2.jpg`.
fn numbered(below: &str, number: usize) -> String {
    let (folder, name) =
        below.rsplit_once('/').map_or(("", below), |(folder, name)| (folder, name));
    let slash = if folder.is_empty() { "" } else { "/" };
    match name.rsplit_once('.') {
        Some((stem, end)) => format!("{folder}{slash}{stem}.{number}.{end}"),
        None => format!("{folder}{slash}{name}.{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_never_written_over() {
        let site = tempfile::tempdir().unwrap();
        let copies = Copies::open(site.path()).unwrap();
        let keep = |bytes: &[u8]| {
            let path = copies.keep("content/a b/photo.jpg", bytes).unwrap();
            assert_eq!(fs::read(&path).unwrap(), bytes);
            path.strip_prefix(site.path().join(FOLDER)).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(keep(b"one"), "content/a b/photo.jpg");
        assert_eq!(keep(b"two"), "content/a b/photo.2.jpg");
        assert_eq!(keep(b"three"), "content/a b/photo.3.jpg");
        // What is kept already needs no second copy.
        assert_eq!(keep(b"two"), "content/a b/photo.2.jpg");
        assert_eq!(keep(b"one"), "content/a b/photo.jpg");
        assert_eq!(fs::files_below(&site.path().join(FOLDER)).unwrap().len(), 3);
    }

    #[test]
    fn names_without_folder_or_ending_are_numbered_too() {
        assert_eq!(numbered("photo.jpg", 2), "photo.2.jpg");
        assert_eq!(numbered("a.b/photo", 3), "a.b/photo.3");
    }

    #[test]
    fn one_at_a_time() {
        let site = tempfile::tempdir().unwrap();
        let copies = Copies::open(site.path()).unwrap();
        let error = Copies::open(site.path()).err().unwrap().to_string();
        assert!(error.contains("another"), "{error}");
        drop(copies);
        Copies::open(site.path()).unwrap();
    }
}
