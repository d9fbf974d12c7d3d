//! Writing a snapshot while rows arrive. It takes the last one's place only when a site was made
//! from it; dropped before that, it leaves nothing.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Serialize;

use super::{About, Layouts, Origin, Start, frames};
use crate::error::Result;
use crate::fs::failed;

/// A snapshot being written.
pub struct Recorder {
    path: PathBuf,
    draft: Draft,
    out: frames::Writer<BufWriter<File>>,
    origin: Origin,
    rows: IndexMap<String, usize>,
    /// Something could not be written: what is there is of no use.
    is_broken: bool,
}

/// A complete read, waiting for its site.
pub struct Recording(Recorder);

/// The unfinished file, which goes when it is dropped.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Recorder {
    /// Starts a file where the cache keeps unfinished ones, which is to become that at `path`.
    pub fn start(path: &Path, origin: Origin) -> Result<Self> {
        let cache = path.parent().unwrap_or(path);
        let draft = Draft(cache.join("new").join(uuid::Uuid::new_v4().simple().to_string()));
        let begin = || -> io::Result<_> {
            fs::create_dir_all(draft.0.parent().unwrap_or(cache))?;
            // Rows that only one role may read, in a folder that others may look into.
            let file = File::options().write(true).create_new(true).mode(0o600).open(&draft.0)?;
            frames::Writer::new(BufWriter::new(file))
        };
        let out = begin().map_err(|error| failed("write", &draft.0, error))?;
        let (path, rows) = (path.to_owned(), IndexMap::new());
        Ok(Self { path, draft, out, origin, rows, is_broken: false })
    }

    /// The same, writing elsewhere.
    #[cfg(test)]
    #[must_use]
    pub fn on(mut self, path: &str) -> Self {
        let file = File::options().write(true).open(path).unwrap();
        self.out = frames::Writer::new(BufWriter::new(file)).unwrap();
        self
    }

    /// A snapshot that cannot be written is no reason not to build.
    fn put(&mut self, letter: u8, payload: &[u8]) {
        if self.is_broken {
            return;
        }
        if let Err(error) = self.out.frame(letter, payload) {
            let error = failed("write", &self.draft.0, error);
            tracing::warn!("no snapshot is kept: {}", error.chain().join(": "));
            self.is_broken = true;
        }
    }

    fn json(&mut self, letter: u8, value: &impl Serialize) {
        match serde_json::to_vec(value) {
            Ok(json) => self.put(letter, &json),
            Err(error) => {
                tracing::warn!("cannot write a snapshot: {error}");
                self.is_broken = true;
            }
        }
    }

    pub(in crate::source) fn collection(
        &mut self,
        collection: &crate::config::Collection,
        columns: &[super::Column],
    ) {
        let (name, columns) = (collection.name.clone(), columns.to_vec());
        self.rows.insert(name.clone(), 0);
        self.json(
            frames::START,
            &Start { name, definition: super::definition(collection), columns },
        );
    }

    /// Some rows of the collection that was begun last.
    pub(in crate::source) fn block(&mut self, rows: usize, block: &[u8]) {
        if let Some((_, count)) = self.rows.last_mut() {
            *count += rows;
        }
        self.put(frames::BLOCK, block);
    }

    pub(in crate::source) fn layouts(
        &mut self,
        table: Option<String>,
        rows: Vec<crate::source::layouts::Stored>,
    ) {
        self.json(frames::LAYOUTS, &Layouts { table, rows });
    }

    /// What is known beside the rows, where there is anything.
    pub(in crate::source) fn notes(&mut self, notes: &IndexMap<String, crate::source::Notes>) {
        if !notes.is_empty() {
            self.json(frames::NOTES, notes);
        }
    }

    /// What is there, if it is all there.
    pub fn finish(self) -> Option<Recording> {
        (!self.is_broken).then_some(Recording(self))
    }
}

impl Recording {
    /// Makes this the site's snapshot: a site of so many pages was made from it.
    pub fn keep(self, pages: usize) -> Result<()> {
        let Self(mut recorder) = self;
        let (origin, rows) = (recorder.origin.clone(), std::mem::take(&mut recorder.rows));
        recorder.json(frames::ABOUT, &About { origin, rows, pages });
        let Recorder { path, draft, out, is_broken, .. } = recorder;
        if is_broken {
            return Ok(());
        }
        let placed = out.finish().and_then(|_| fs::rename(&draft.0, &path));
        placed.map_err(|error| failed("write", &path, error))
    }
}
