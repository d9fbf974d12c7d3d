//! What a tree holds on disk, compared with what its manifest says, without reading a file.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};

use super::dir::{Dir, Kind, Meta, parent};
use super::state::{Entry, Manifest};
use crate::error::Result;

/// A tree as it is. Paths that are not UTF-8 cannot be ours and are among the strays.
#[derive(Debug, Default)]
pub struct Tree {
    pub files: HashMap<String, Found>,
    /// Real folders, none of them reached through a symbolic link; `""` is the root.
    pub dirs: HashSet<String>,
    /// Things a site never holds: symbolic links, sockets, names that are no text.
    pub strays: Vec<OsString>,
    /// Whether something is there that the manifest does not name.
    pub untidy: bool,
}

#[derive(Debug)]
pub struct Found {
    pub ino: u64,
    /// What the manifest knows of the file, if length and time of last change still agree.
    pub entry: Option<Entry>,
}

impl Tree {
    /// The entry of a file that is as frieze left it.
    pub fn known(&self, path: &str) -> Option<&Entry> {
        self.files.get(path)?.entry.as_ref()
    }

    /// Looks at a path unless a folder on the way to it is not a real one.
    fn look(&self, root: &Dir, path: &str) -> Result<Option<Meta>> {
        let reachable = path.is_empty() || self.dirs.contains(parent(path));
        if reachable { root.look(path) } else { Ok(None) }
    }
}

/// Looks at every folder and file of the manifest, and lists the folders where names came or went.
/// Without a manifest everything is listed and nothing is known.
pub fn survey(root: &Dir, manifest: Option<Manifest>) -> Result<Tree> {
    let mut tree = Tree::default();
    let Manifest { files, dirs } = manifest
        .unwrap_or_else(|| Manifest { dirs: [(String::new(), 0)].into(), ..Manifest::default() });
    let mut to_list = known_dirs(root, dirs, &mut tree)?;
    for (path, entry) in files {
        known_file(root, path, entry, &mut tree)?;
    }
    while let Some(dir) = to_list.pop() {
        for (name, kind) in root.list(&dir)? {
            to_list.extend(sort_in(root, &dir, &name, kind, &mut tree)?);
        }
    }
    Ok(tree)
}

/// Looks at the manifest's folders, parents first; returns those whose names have changed.
fn known_dirs(root: &Dir, dirs: HashMap<String, i64>, tree: &mut Tree) -> Result<Vec<String>> {
    let mut dirs: Vec<_> = dirs.into_iter().collect();
    dirs.sort_unstable();
    let mut changed = Vec::new();
    for (path, mtime) in dirs {
        match tree.look(root, &path)? {
            Some(Meta { kind: Kind::Dir, mtime: now, .. }) if now == mtime => {}
            Some(Meta { kind: Kind::Dir, .. }) => changed.push(path.clone()),
            _ => continue,
        }
        tree.dirs.insert(path);
    }
    Ok(changed)
}

fn known_file(root: &Dir, path: String, entry: Entry, tree: &mut Tree) -> Result<()> {
    let meta = tree.look(root, &path)?.filter(|meta| meta.kind == Kind::File);
    let same = meta.is_some_and(|meta| meta.len == entry.len && meta.mtime == entry.mtime);
    if let Some(Meta { ino, .. }) = meta {
        tree.files.insert(path, Found { ino, entry: same.then_some(entry) });
    }
    Ok(())
}

/// Takes in one name of a listed folder; a folder nobody knew is returned, to be listed too.
fn sort_in(
    root: &Dir,
    dir: &str,
    name: &OsStr,
    kind: Kind,
    tree: &mut Tree,
) -> Result<Option<String>> {
    let path = join(dir, name);
    if path.to_str().is_some_and(|path| match kind {
        Kind::File => tree.files.contains_key(path),
        Kind::Dir => tree.dirs.contains(path),
        Kind::Other => false,
    }) {
        return Ok(None);
    }
    tree.untidy = true;
    match (kind, path.into_string()) {
        (Kind::Dir, Ok(path)) => {
            tree.dirs.insert(path.clone());
            return Ok(Some(path));
        }
        (Kind::File, Ok(path)) => {
            let ino = root.look(&path)?.map_or(0, |meta| meta.ino);
            tree.files.insert(path, Found { ino, entry: None });
        }
        (_, Ok(path)) => tree.strays.push(path.into()),
        (_, Err(path)) => tree.strays.push(path),
    }
    Ok(None)
}

fn join(dir: &str, name: &OsStr) -> OsString {
    let mut path = OsString::from(dir);
    if !dir.is_empty() {
        path.push("/");
    }
    path.push(name);
    path
}
