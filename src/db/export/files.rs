//! The files that are there, as they were found.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::Config;
use crate::db::seed::Row;
use crate::db::seed::read::place::{self, Place, bare};
use crate::error::Result;
use crate::fs;

/// Every file of rows below a folder.
pub(super) struct Files {
    all: Vec<File>,
    /// Tables that have files in the folder or in `content/`.
    tables: BTreeSet<String>,
    /// Every path below the folder, in lower case: file systems differ in what they tell apart.
    names: BTreeSet<String>,
}

pub(super) struct File {
    pub place: Place,
    pub text: String,
    pub rows: Vec<Row>,
}

impl Files {
    pub fn read(dir: &Path, config: &Config) -> Result<Self> {
        let paths = fs::files_below(dir)?;
        let places = places(&paths)?;
        place::reject_strangers(dir, &paths, &places, config)?;
        let mut tables: BTreeSet<String> =
            places.iter().map(|place| table(place).to_owned()).collect();
        for place in self::places(&fs::files_below(&config.build.content)?)? {
            tables.insert(table(&place).to_owned());
        }
        let read = |place: Place| {
            let text = fs::read_text(&dir.join(&place.path))?;
            let rows = place.rows(dir, text.clone(), place::body_column(config, &place.table))?;
            Ok(File { place, text, rows })
        };
        let all = places.into_iter().map(read).collect::<Result<_>>()?;
        let names =
            paths.iter().map(|path| path.to_string_lossy().replace('\\', "/").to_lowercase());
        Ok(Self { all, tables, names: names.collect() })
    }

    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.tables.iter().map(String::as_str)
    }

    /// The files of one table.
    pub fn of<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f File> {
        self.all.iter().filter(move |file| table(&file.place) == name)
    }

    pub fn names(&self) -> BTreeSet<String> {
        self.names.clone()
    }
}

fn places(paths: &[std::path::PathBuf]) -> Result<Vec<Place>> {
    paths.iter().filter_map(|path| Place::of(path).transpose()).collect()
}

fn table(place: &Place) -> &str {
    bare(&place.table)
}
