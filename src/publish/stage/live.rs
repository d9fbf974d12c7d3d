//! The published tree as a build finds it: to take files over from, never to change.

use std::sync::Arc;

use super::background::Background;
use super::dir::Dir;
use super::state::{Entry, Manifest};
use super::survey::{Tree, survey};
use crate::error::{Error, Result};

pub struct Live {
    pub root: Arc<Dir>,
    tree: Background<Tree>,
}

impl Live {
    /// Starts to compare the tree with its manifest.
    pub fn open(root: Dir, manifest: Option<Manifest>) -> Self {
        let root = Arc::new(root);
        let there = Arc::clone(&root);
        Self { root, tree: Background::start(move || survey(&there, manifest)) }
    }

    pub fn tree(&self) -> Result<&Tree> {
        self.tree.get()
    }

    pub fn ino(&self, path: &str) -> Result<Option<u64>> {
        Ok(self.tree()?.files.get(path).map(|found| found.ino))
    }

    /// The content of a file, which must be what `entry` says.
    pub fn read(&self, path: &str, entry: &Entry) -> Result<Vec<u8>> {
        let bytes = self.root.read(path)?;
        if *blake3::hash(&bytes).as_bytes() == entry.hash {
            return Ok(bytes);
        }
        Err(Error::output(format!("{path} was changed in the output folder during the build"))
            .help("build again"))
    }
}
