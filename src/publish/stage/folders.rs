//! The folders of the staging tree: each made once, some of them ahead of time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::background::Background;
use super::dir::{Dir, Kind, parent};
use super::sharded::Sharded;
use crate::error::Result;

pub struct Folders {
    root: Arc<Dir>,
    made: Arc<Sharded<HashSet<String>>>,
    enough: Arc<AtomicBool>,
    ahead: Option<Background<()>>,
}

impl Folders {
    pub fn new(root: Arc<Dir>) -> Self {
        Self { root, made: Arc::default(), enough: Arc::default(), ahead: None }
    }

    /// Starts to make folders that will probably be wanted, while the build still reads its data.
    /// On ext4 that is most of what the second build of a large site costs, and the folders in
    /// one folder can only be made one after the other anyway.
    pub fn make_ahead(&mut self, mut dirs: Vec<String>) {
        dirs.retain(|dir| !dir.is_empty());
        dirs.sort_unstable();
        let (root, made) = (Arc::clone(&self.root), Arc::clone(&self.made));
        let enough = Arc::clone(&self.enough);
        self.ahead = Some(Background::start(move || {
            for dir in dirs {
                if enough.load(Ordering::Relaxed) {
                    break;
                }
                if root.make_dir(&dir)? {
                    made.of(&dir).insert(dir.clone());
                }
            }
            Ok(())
        }));
    }

    /// Waits until nothing is made ahead any more.
    pub fn settle(&self) {
        if let Some(ahead) = &self.ahead {
            // What failed there fails again where the folder is needed.
            let _ = ahead.get();
        }
    }

    /// Makes a folder and those above it, unless `exists` or this build's past says it is there.
    pub fn ensure(&self, dir: &str, exists: &HashSet<String>) -> Result<()> {
        if dir.is_empty() || exists.contains(dir) || self.made.of(dir).contains(dir) {
            return Ok(());
        }
        self.ensure(parent(dir), exists)?;
        self.make(dir)?;
        self.made.of(dir).insert(dir.to_owned());
        Ok(())
    }

    /// What is no folder and has the folder's name is of an older generation and gives way.
    fn make(&self, dir: &str) -> Result<()> {
        if self.root.make_dir(dir)? || self.is_dir(dir)? {
            return Ok(());
        }
        self.root.unlink(dir)?;
        self.root.make_dir(dir).map(|_| ())
    }

    fn is_dir(&self, dir: &str) -> Result<bool> {
        Ok(self.root.look(dir)?.is_some_and(|meta| meta.kind == Kind::Dir))
    }

    /// Every folder that this build has made.
    pub fn made(&self) -> Vec<String> {
        self.made.each().flat_map(|shard| shard.iter().cloned().collect::<Vec<_>>()).collect()
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        self.enough.store(true, Ordering::Relaxed);
    }
}
