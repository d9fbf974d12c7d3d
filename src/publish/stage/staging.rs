//! The tree that becomes the next generation: it starts as the one before last.

use std::sync::{Arc, Mutex, PoisonError};

use super::background::Background;
use super::dir::{Dir, Meta, parent};
use super::flush::Flusher;
use super::folders::Folders;
use super::generation::Generation;
use super::live::Live;
use super::state::{self, Entry, Manifest};
use super::survey::{Found, Tree, survey};
use super::target::TREE;
use crate::error::{Error, Result};

pub struct Staging {
    companion: Arc<Dir>,
    pub root: Arc<Dir>,
    /// What is there from before this build.
    tree: Background<Tree>,
    folders: Folders,
    flusher: Flusher,
    /// Whether the tree's state file has been deleted, which is before the first change.
    begun: Mutex<bool>,
}

impl Staging {
    /// Opens the staging tree, or makes one with the folders that the live tree has.
    pub fn open(companion: &Arc<Dir>, live: Option<&Manifest>) -> Result<Self> {
        let fresh = companion.make_dir(TREE)?;
        let root = Arc::new(companion.open_inside(TREE)?);
        let mut folders = Folders::new(Arc::clone(&root));
        let tree = if fresh {
            state::forget(companion, &root)?;
            folders
                .make_ahead(live.map_or_else(Vec::new, |live| live.dirs.keys().cloned().collect()));
            Background::ready(Tree::default())
        } else {
            let (manifest, root) = (state::load(companion, &root)?, Arc::clone(&root));
            Background::start(move || survey(&root, manifest))
        };
        let flusher = Flusher::start(&root);
        let companion = Arc::clone(companion);
        Ok(Self { companion, root, tree, folders, flusher, begun: Mutex::new(fresh) })
    }

    /// Declares that the tree is about to change: from here to the commit it is nobody's state.
    pub fn begin(&self) -> Result<()> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !*begun {
            state::forget(&self.companion, &self.root)?;
            *begun = true;
        }
        Ok(())
    }

    /// The entry of a file that the tree holds as an earlier build wrote it.
    pub fn known(&self, path: &str) -> Result<Option<&Entry>> {
        Ok(self.tree.get()?.known(path))
    }

    /// Writes a file into a fresh inode: the old one may be part of the live site.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<Meta> {
        self.begin()?;
        let tree = self.tree.get()?;
        self.folders.ensure(parent(path), &tree.dirs)?;
        if tree.files.contains_key(path) {
            self.clear(path)?;
        }
        let mut written = self.root.create(path, bytes)?;
        if written.is_none() {
            self.clear(path)?;
            written = self.root.create(path, bytes)?;
        }
        let meta = written.ok_or_else(|| in_the_way(path))?;
        self.flusher.wrote(meta.len);
        Ok(meta)
    }

    /// Makes a name free, whatever an older generation had under it.
    fn clear(&self, path: &str) -> Result<()> {
        if !self.root.unlink(path)? {
            self.folders.settle();
            self.root.remove(path)?;
        }
        Ok(())
    }

    /// Brings a file of the live tree into this one, unless the same content is here already.
    pub fn take_over(&self, live: &Live, path: &str, entry: &mut Entry) -> Result<()> {
        let tree = self.tree.get()?;
        match tree.files.get(path) {
            Some(Found { ino, .. }) if live.ino(path)? == Some(*ino) => return Ok(()),
            Some(Found { entry: Some(known), .. }) if known.hash == entry.hash => {
                entry.mtime = known.mtime;
                return Ok(());
            }
            _ => self.folders.ensure(parent(path), &tree.dirs)?,
        }
        if self.root.link(&live.root, path) {
            return Ok(());
        }
        self.clear(path)?;
        if self.root.link(&live.root, path) {
            return Ok(());
        }
        let bytes = live.read(path, entry)?;
        entry.mtime = self.write(path, &bytes)?.mtime;
        Ok(())
    }

    /// Removes the files that are in the tree and not in the new generation.
    pub fn prune_files(&self, next: &Generation) -> Result<()> {
        let tree = self.tree.get()?;
        for path in tree.files.keys().filter(|path| !next.has_file(path)) {
            self.root.unlink(path)?;
        }
        let wanted = |path: &str| next.has_file(path) || next.has_dir(path);
        let strays = tree.strays.iter().filter(|path| !path.to_str().is_some_and(wanted));
        strays.into_iter().try_for_each(|path| self.root.remove(path))
    }

    /// Removes the folders that are in the tree and not in the new generation.
    pub fn prune_dirs(&self, next: &Generation) -> Result<()> {
        self.folders.settle();
        let mut old = self.folders.made();
        old.extend(self.tree.get()?.dirs.iter().cloned());
        old.retain(|dir| !next.has_dir(dir));
        // Deepest first: a folder's path sorts before those of what is in it.
        old.sort_unstable();
        old.iter().rev().try_for_each(|dir| self.root.remove_dir(dir))
    }

    /// Returns when all that was written is on the disk.
    pub fn sync(self) -> Result<()> {
        self.flusher.finish()
    }
}

fn in_the_way(path: &str) -> Error {
    Error::output(format!("{path} changed while it was written"))
        .help("leave the folder beside the output to frieze, and build again")
}
