//! The last step: files are written, or removed.

use std::path::Path;

use super::Change;
use crate::error::{Error, Result};
use crate::fs;

pub(super) fn write(dir: &Path, changes: &[Change]) -> Result<()> {
    for Change { path, text } in changes {
        let path = dir.join(path);
        match text {
            Some(text) => {
                fs::create_dir_all(path.parent().unwrap_or(dir))?;
                fs::replace(&path, text.as_bytes())?;
            }
            None => fs::remove(&path)?,
        }
    }
    Ok(())
}

/// A link may lead anywhere: nothing is written through one that leaves the folder.
pub(super) fn refuse_strange_paths(dir: &Path, changes: &[Change]) -> Result<()> {
    let Ok(root) = dir.canonicalize() else { return Ok(()) };
    for Change { path, .. } in changes {
        let target = dir.join(path);
        let existing = target.ancestors().find_map(|path| path.canonicalize().ok());
        if existing.is_none_or(|existing| !existing.starts_with(&root)) {
            return Err(Error::output(format!("{} leads out of the folder", target.display()))
                .help("nothing was written; put a file or folder in place of the link"));
        }
    }
    Ok(())
}
