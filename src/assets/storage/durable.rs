//! Files that are there for good or not at all: written beside their place, put onto the disk, read
//! back, and only then given their name.

use std::fs::{File, Permissions, metadata, remove_file, rename};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::fs::{failed, read};

/// What a file is called until it is whole. It is hidden, so no build takes it for content.
const UNFINISHED: &str = ".frieze-new";

/// Writes a file that is not there yet. Its folder is.
pub fn create(path: &Path, bytes: &[u8]) -> Result<()> {
    put(path, bytes, None, || Ok(()))
}

/// Puts `new` in the place of `old`, which must still be what the file holds.
pub fn replace(path: &Path, old: &[u8], new: &[u8]) -> Result<()> {
    let known = metadata(path).map_err(|error| failed("look at", path, error))?;
    put(path, new, Some(known.permissions()), || {
        if read(path)? == old {
            return Ok(());
        }
        Err(Error::output(format!("{} changed while it was recompressed", path.display()))
            .help("it was left as it is; run the command again"))
    })
}

fn put(
    path: &Path,
    bytes: &[u8],
    permissions: Option<Permissions>,
    check: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let unfinished = folder.join(UNFINISHED);
    let written = write(&unfinished, bytes, permissions)
        .and_then(|()| check())
        .and_then(|()| rename(&unfinished, path).map_err(|error| failed("replace", path, error)));
    if written.is_err() {
        // What is left of it is in nobody's way, and the next run removes it.
        let _ = remove_file(&unfinished);
        return written;
    }
    sync(folder)
}

fn write(path: &PathBuf, bytes: &[u8], permissions: Option<Permissions>) -> Result<()> {
    let wrong = |error| failed("write", path, error);
    match remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(wrong(error)),
        _ => {}
    }
    let mut file = File::create_new(path).map_err(wrong)?;
    file.write_all(bytes).map_err(wrong)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions).map_err(wrong)?;
    }
    file.sync_all().map_err(wrong)?;
    if read(path)? == bytes {
        return Ok(());
    }
    Err(Error::output(format!("{} does not hold what was written into it", path.display()))
        .help("nothing was replaced; check the disk"))
}

/// Puts a folder's entries onto the disk.
pub fn sync(folder: &Path) -> Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed("sync", folder, error))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_permissions_and_leaves_nothing_behind() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        // What a run that was killed has left.
        fs::write(folder.path().join(UNFINISHED), "half of someth").unwrap();
        replace(&path, b"old", b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_changed_meanwhile_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, "newer").unwrap();
        let error = replace(&path, b"old", b"new").unwrap_err();
        assert!(error.to_string().contains("changed while"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("gone.jpg"), b"old", b"new").is_err());
    }

    #[test]
    fn a_file_that_cannot_be_written_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        fs::write(&path, "old").unwrap();
        fs::create_dir(folder.path().join(UNFINISHED)).unwrap();
        assert!(replace(&path, b"old", b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
