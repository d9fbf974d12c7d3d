//! Which paths may be published: whatever comes in, output never leaves the output folder.

use std::collections::HashSet;

use super::dir::parent;
use crate::error::{Error, Result};

/// Checks a path below the output folder: segments of text with `/` between them.
pub fn check(path: &str) -> Result<()> {
    let wrong = |what: &str| {
        Err(Error::output(format!("the path {path:?} cannot be published: it {what}"))
            .help("paths are relative, like \"projects/atlas/index.html\""))
    };
    if path.is_empty() {
        return wrong("is empty");
    }
    if path.starts_with('/') {
        return wrong("is absolute");
    }
    if path.contains(['\0', '\\']) {
        return wrong("has a NUL or a backslash");
    }
    if path.split('/').any(|segment| matches!(segment, "" | "." | "..")) {
        return wrong("has an empty, \".\" or \"..\" segment");
    }
    Ok(())
}

/// Every folder that the files are in, the root (`""`) among them. A path that is a file and a
/// folder at once is an error.
pub fn folders(files: &[impl AsRef<str>]) -> Result<HashSet<&str>> {
    let mut folders = HashSet::from([""]);
    let mut files = files.iter().map(AsRef::as_ref);
    for file in files.clone() {
        let mut folder = parent(file);
        while folders.insert(folder) {
            folder = parent(folder);
        }
    }
    match files.find(|file| folders.contains(file)) {
        None => Ok(folders),
        Some(file) => Err(file_and_folder(file)),
    }
}

pub fn file_and_folder(path: &str) -> Error {
    Error::output(format!("{path} is written both as a file and as a folder"))
        .help("a file's path and another's folder have the same name: change one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_could_leave_the_folder_are_refused() {
        let bad = [
            "", "/", "/a", "..", "../a", "a/../b", "a/..", ".", "./a", "a//b", "a/", "a\0b", "a\\b",
        ];
        for path in bad {
            assert!(check(path).is_err(), "{path:?}");
        }
        for path in ["a", "a/b.html", ".well-known/x", "a/...", "a..b/c", "é/ü.html"] {
            assert!(check(path).is_ok(), "{path:?}");
        }
    }

    #[test]
    fn every_ancestor_is_a_folder_once() {
        let folders = folders(&["a/b/c.html", "a/b/d.html", "e.html"]).unwrap();
        assert_eq!(folders, HashSet::from(["", "a", "a/b"]));
    }

    #[test]
    fn a_file_where_a_folder_is_needed_is_an_error() {
        let error = folders(&["a", "a-b", "a/c.html"]).unwrap_err();
        assert_eq!(error.to_string(), "a is written both as a file and as a folder");
    }
}
