//! Staging: output is written beside the target and takes its place in one step.
//!
//! Beside `dist` lies `.dist.frieze`, with the build lock, the staging tree and what is remembered
//! of both trees. The staging tree is the generation before last. A build brings it up to date by
//! writing what changed and linking the rest from the live tree, then the two change places: the
//! site is at every moment one whole generation, and the old one is the next build's staging tree.

mod background;
mod dir;
mod flush;
mod folders;
mod generation;
mod live;
mod lock;
mod path;
mod records;
mod sharded;
mod staging;
mod state;
mod survey;
mod target;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod tests;

use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Result};
use dir::parent;
use generation::Generation;
use live::Live;
use lock::Lock;
use records::{Place, Record, Records};
use staging::Staging;
use state::Entry;
use target::Target;

/// A build's output on its way to the target. Dropped without [`Stage::commit`], it leaves the
/// live site as it was.
pub struct Stage {
    live: Option<Live>,
    staging: Staging,
    records: Records,
    target: Target,
    // Last, so that it is held until nothing of this build works on the folder any more.
    lock: Lock,
}

/// What a file adopted by [`Stage::reuse`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reused {
    /// Bytes.
    pub len: u64,
    /// What was given to [`Stage::write`] with it.
    pub extra: Vec<String>,
}

/// What a commit did, against the site that was live before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// All files of the site.
    pub files: usize,
    /// All their bytes.
    pub bytes: u64,
    /// Files that are new or differ.
    pub written: usize,
    pub unchanged: usize,
    /// Files that are no longer part of the site.
    pub removed: usize,
}

impl Stage {
    /// Takes the build lock on the folder `target` and starts to look through what is there.
    /// Fails where another build has it, or where the folder is not frieze's to replace.
    pub fn open(target: &Path) -> Result<Self> {
        Self::open_beside(target, target)
    }

    /// The same with the companion beside a folder that holds the target, where what lies next to
    /// the target itself would be deployed: `.vercel/.output.frieze` for `.vercel/output/static`.
    pub fn open_beside(target: &Path, beside: &Path) -> Result<Self> {
        let there = Target::open(target, beside)?;
        let lock = Lock::take(&there.companion, target)?;
        let live = there.live()?;
        let manifest = live.as_ref().and_then(|(_, manifest)| manifest.as_ref());
        let staging = Staging::open(&there.companion, manifest)?;
        let live = live.map(|(root, manifest)| Live::open(root, manifest));
        Ok(Self { live, staging, records: Records::default(), target: there, lock })
    }

    /// How many pages the live site has. A file that came as it is has no key.
    pub fn published_pages(&self) -> Result<usize> {
        let Some(live) = &self.live else { return Ok(0) };
        let is_made = |path: &String| {
            live.tree().is_ok_and(|tree| tree.known(path).is_some_and(|entry| entry.key.is_some()))
        };
        Ok(live
            .tree()?
            .files
            .keys()
            .filter(|path| path.ends_with(".html") && is_made(path))
            .count())
    }

    /// Adopts the live site's file of this path, if it was made from the same input and is as it
    /// was written. `None` means that the caller has to make it.
    pub fn reuse(&self, path: &str, key: [u8; 32]) -> Option<Reused> {
        let entry = self.live_entry(path).ok()??;
        if entry.key != Some(key) {
            return None;
        }
        let reused = Reused { len: entry.len, extra: entry.extra.clone() };
        let record = Record { entry: entry.clone(), place: Place::Live };
        self.records.adopt(path, record).then_some(reused)
    }

    /// Takes a file of the new site: its path below the target, what it was made from (for
    /// [`Stage::reuse`] in the next build), its content, and what the caller wants back with it.
    /// Content that the live site or the staging tree already has is not written again.
    pub fn write(
        &self,
        path: &str,
        key: Option<[u8; 32]>,
        bytes: &[u8],
        extra: Vec<String>,
    ) -> Result<()> {
        path::check(path)?;
        self.records.claim(path)?;
        let hash = *blake3::hash(bytes).as_bytes();
        let same = |entry: &&Entry| entry.hash == hash;
        let (mtime, place) = if let Some(entry) = self.live_entry(path)?.filter(same) {
            (entry.mtime, Place::Live)
        } else if let Some(entry) = self.staging.known(path)?.filter(same) {
            (entry.mtime, Place::Staged)
        } else {
            let written = self.staging.write(path, bytes);
            (written.map_err(|error| self.explain(path, error))?.mtime, Place::Staged)
        };
        let entry = Entry { key, hash, len: bytes.len() as u64, mtime, extra };
        self.records.fill(path, Record { entry, place });
        Ok(())
    }

    /// Makes what was written and reused the live site, in one step, and nothing else part of it.
    /// Where that is what the live site is already, nothing is touched.
    pub fn commit(self) -> Result<Report> {
        // First in the pattern, dropped last: the lock outlives all work on the folder.
        let Self { lock: _lock, live, staging, records, target } = self;
        let (paths, records) = records.into_sorted()?;
        let mut next = Generation::new(&paths, records)?;
        let report = next.report(live.as_ref())?;
        if let Some(live) = &live
            && next.is(live)?
        {
            if !next.is_remembered(live)? {
                next.remember(&target.companion, &live.root)?;
            }
            return Ok(report);
        }
        next.bring_about(&staging, live.as_ref())?;
        next.remember(&target.companion, &staging.root)?;
        let roots = [Some(&*staging.root), live.as_ref().map(|live| &*live.root)];
        state::keep_only(&target.companion, roots.into_iter().flatten())?;
        staging.sync()?;
        target.exchange()?;
        Ok(report)
    }

    fn explain(&self, path: &str, error: Error) -> Error {
        let conflict = self.records.is_below_a_file(path);
        if conflict { path::file_and_folder(parent(path)) } else { error }
    }

    fn live_entry(&self, path: &str) -> Result<Option<&Entry>> {
        self.live.as_ref().map_or(Ok(None), |live| Ok(live.tree()?.known(path)))
    }
}
