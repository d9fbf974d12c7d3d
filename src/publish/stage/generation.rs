//! The new generation, once all its files are known: what to keep, bring over and remove.

use std::collections::HashSet;

use rayon::prelude::*;

use super::dir::Dir;
use super::live::Live;
use super::records::{Place, Record};
use super::staging::Staging;
use super::{Report, path, state};
use crate::error::{Error, Result};

pub struct Generation<'a> {
    /// In order, each with the record at the same index.
    paths: &'a [String],
    records: Vec<Record>,
    /// Every folder, the root (`""`) among them.
    dirs: HashSet<&'a str>,
}

impl<'a> Generation<'a> {
    pub fn new(paths: &'a [String], records: Vec<Record>) -> Result<Self> {
        if paths.is_empty() {
            return Err(Error::output("there is nothing to publish: the build made no file"));
        }
        let dirs = path::folders(paths)?;
        Ok(Self { paths, records, dirs })
    }

    pub fn has_file(&self, path: &str) -> bool {
        self.paths.binary_search_by(|known| known.as_str().cmp(path)).is_ok()
    }

    pub fn has_dir(&self, path: &str) -> bool {
        self.dirs.contains(path)
    }

    pub fn report(&self, live: Option<&Live>) -> Result<Report> {
        let files = self.paths.len();
        let unchanged = self.records.iter().filter(|record| record.place == Place::Live).count();
        let removed = match live {
            Some(live) => live.tree()?.files.keys().filter(|path| !self.has_file(path)).count(),
            None => 0,
        };
        let bytes = self.records.iter().map(|record| record.entry.len).sum();
        Ok(Report { files, bytes, written: files - unchanged, unchanged, removed })
    }

    /// Whether the live tree is this generation, to the last file.
    pub fn is(&self, live: &Live) -> Result<bool> {
        let tree = live.tree()?;
        let same = self.records.iter().all(|record| record.place == Place::Live);
        Ok(same && !tree.untidy && tree.files.len() == self.records.len())
    }

    /// Brings the staging tree to hold exactly this generation.
    pub fn bring_about(&mut self, staging: &Staging, live: Option<&Live>) -> Result<()> {
        staging.begin()?;
        staging.prune_files(self)?;
        if let Some(live) = live {
            let files = self.paths.par_iter().zip(&mut self.records);
            files
                .filter(|(_, record)| record.place == Place::Live)
                .try_for_each(|(path, record)| staging.take_over(live, path, &mut record.entry))?;
        }
        staging.prune_dirs(self)
    }

    /// Writes down that the tree `root` is this generation.
    pub fn remember(&self, companion: &Dir, root: &Dir) -> Result<()> {
        let dirs: Vec<_> = self.dirs.iter().copied().collect();
        let dirs = dirs.into_par_iter().map(|dir| match root.look(dir)? {
            Some(meta) => Ok((dir, meta.mtime)),
            None => Err(Error::output(format!("the folder {dir} vanished while it was written"))),
        });
        let dirs = dirs.collect::<Result<Vec<_>>>()?;
        let entries = self.records.iter().map(|record| &record.entry);
        let files = self.paths.iter().map(String::as_str).zip(entries);
        state::save(companion, root, &dirs, files)
    }

    /// Whether what is remembered of the live tree says all that there is to say.
    pub fn is_remembered(&self, live: &Live) -> Result<bool> {
        let tree = live.tree()?;
        let mut files = self.paths.iter().zip(&self.records);
        Ok(files.all(|(path, record)| tree.known(path) == Some(&record.entry)))
    }
}
