//! File system calls whose errors always name the path and what was being done to it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::error::{Error, Result};

/// The error for a call that failed: what was being done, to which path, and why not.
pub fn failed(verb: &str, path: &Path, error: std::io::Error) -> Error {
    Error::output(format!("cannot {verb} {}", path.display())).because(error)
}

pub fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| failed("read", path, error))
}

/// Reads a file that must be UTF-8 text; says at which byte it is not.
pub fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + memchr::memchr_iter(b'\n', &error.as_bytes()[..valid]).count();
        Error::content(format!("{}:{line}: not valid UTF-8 at byte {valid}", path.display()))
            .help("save the file as UTF-8")
    })
}

pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| failed("write", path, error))
}

/// Writes a file in one step: a reader sees the old one or the new one, and whoever might read the
/// old one may read the new one. What a kill leaves behind is hidden, so it is no file of rows.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let doing = |error| failed("replace", path, error);
    let mut new = hidden_beside(path).map_err(doing)?;
    new.write_all(bytes).map_err(doing)?;
    if let Ok(old) = fs::metadata(path) {
        new.as_file().set_permissions(old.permissions()).map_err(doing)?;
    }
    new.persist(path).map_err(|refused| doing(refused.error)).map(drop)
}

/// A file that nobody else has, with the permissions of any new file; it goes if it is not kept.
fn hidden_beside(path: &Path) -> std::io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".frieze-").suffix(".new");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.tempfile_in(folder.unwrap_or(Path::new(".")))
}

pub fn create_dir_all(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| failed("create the folder", path, error))
}

pub fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|error| failed("remove", path, error))
}

pub fn metadata(path: &Path) -> Result<fs::Metadata> {
    fs::metadata(path).map_err(|error| failed("look at", path, error))
}

/// Removes a folder and all that is in it; a folder that is not there is fine.
pub fn remove_dir_all(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(failed("remove", path, error))
        }
        _ => Ok(()),
    }
}

/// Whether a file or a folder of this name is passed over, with all that is in it.
fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".") && name != ".well-known"
}

/// Whether [`files_below`] passes over a path, given relative to its root.
pub fn is_hidden_below(path: &Path) -> bool {
    path.iter().any(is_hidden)
}

/// Every regular file below `root`, sorted, as paths relative to it; a missing root has none.
/// Hidden files and folders are skipped, but for `.well-known`, which is part of the web.
pub fn files_below(root: &Path) -> Result<Vec<PathBuf>> {
    if !root.exists() {
        return Ok(Vec::new());
    }
    let failed = |error| Error::output(format!("cannot list {}", root.display())).because(error);
    let mut files = Vec::new();
    for entry in walk(root) {
        files.extend(file(root, &entry.map_err(failed)?));
    }
    Ok(files)
}

/// The same of what can be listed, for whoever looks while others write.
pub fn files_found(root: &Path) -> Vec<PathBuf> {
    walk(root).flatten().filter_map(|entry| file(root, &entry)).collect()
}

fn walk(root: &Path) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    let visible = |entry: &walkdir::DirEntry| entry.depth() == 0 || !is_hidden(entry.file_name());
    let walk = walkdir::WalkDir::new(root).follow_links(true).sort_by_file_name();
    walk.into_iter().filter_entry(visible)
}

fn file(root: &Path, entry: &walkdir::DirEntry) -> Option<PathBuf> {
    let relative = entry.path().strip_prefix(root).ok()?;
    entry.file_type().is_file().then(|| relative.to_path_buf())
}
