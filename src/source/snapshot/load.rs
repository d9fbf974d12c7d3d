//! Reading a snapshot: all of it or nothing, and only for the configuration it was made for.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use super::frames::{self, Block};
use super::{About, Layouts, MAGIC, Start, definition, outdated};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fs::failed;
use crate::source::{Snapshot, cells, layouts, texts};
use crate::theme::Touched;

/// Length of the last frame, and checksum.
const TAIL: u64 = 4 + 32;

/// What a snapshot says of itself; `None` where there is none that can be read.
pub fn about(path: &Path) -> Option<About> {
    let mut file = File::open(path).ok()?;
    let end = file.seek(SeekFrom::End(0)).ok()?;
    file.seek(SeekFrom::Start(end.checked_sub(TAIL)?)).ok()?;
    let mut length = [0; 4];
    file.read_exact(&mut length).ok()?;
    let length = u64::from(u32::from_le_bytes(length));
    file.seek(SeekFrom::Start(end.checked_sub(TAIL + length)?)).ok()?;
    serde_json::from_reader(file.take(length)).ok()
}

/// The snapshot that the last read left, and what it says of itself.
pub fn load(path: &Path, config: &Config) -> Result<(Snapshot, About)> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(none(config, path)),
        opened => opened.map_err(|error| failed("read", path, error))?,
    };
    let is_whole = check(&mut file).map_err(|error| failed("read", path, error))?;
    let damaged = || {
        Error::database(format!("the snapshot {} is damaged", path.display()))
            .help("remove it; the next build with the database at hand leaves a new one")
    };
    if !is_whole {
        return Err(damaged());
    }
    let mut reader = BufReader::with_capacity(1 << 20, file);
    reader
        .seek(SeekFrom::Start(MAGIC.len() as u64))
        .map_err(|error| failed("read", path, error))?;
    let (touched, shelf) = (Touched::of(config)?, texts::Shelf::new(texts::NEAR));
    Reading { config, touched, snapshot: Snapshot::default(), shelf }
        .all(&mut reader)?
        .ok_or_else(damaged)
}

fn none(config: &Config, path: &Path) -> Error {
    Error::database(format!("there is no snapshot: {} does not exist", path.display())).help(
        format!(
            "a build that reads the database at {} leaves one; the embedded database needs none",
            config.database.url_env
        ),
    )
}

/// Whether the file is what was written.
fn check(file: &mut File) -> io::Result<bool> {
    let end = file.seek(SeekFrom::End(0))?;
    let Some(body) = end.checked_sub(32).filter(|body| *body > MAGIC.len() as u64) else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(0))?;
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update(&magic);
    hasher.update_reader(file.by_ref().take(body - MAGIC.len() as u64))?;
    let mut sum = [0; 32];
    file.read_exact(&mut sum)?;
    Ok(magic == *MAGIC && hasher.finalize() == blake3::Hash::from_bytes(sum))
}

struct Reading<'a> {
    config: &'a Config,
    touched: Touched,
    snapshot: Snapshot,
    shelf: texts::Shelf,
}

impl Reading<'_> {
    /// Every frame; `None` if one makes no sense.
    fn all(mut self, reader: &mut impl io::Read) -> Result<Option<(Snapshot, About)>> {
        let mut current: Option<Start> = None;
        while let Ok((letter, payload)) = frames::next(reader) {
            match (letter, &current) {
                (frames::START, _) => {
                    let Ok(start) = serde_json::from_slice(&payload) else { return Ok(None) };
                    current = Some(self.start(start)?);
                }
                (frames::BLOCK, Some(start)) => {
                    let Some(block) = Block::open(&payload, start.columns.len()) else {
                        return Ok(None);
                    };
                    self.rows(start, &block)?;
                }
                (frames::LAYOUTS, _) => {
                    let Ok(layouts) = serde_json::from_slice(&payload) else { return Ok(None) };
                    self.layouts(layouts)?;
                }
                (frames::NOTES, _) => {
                    let Ok(notes) = serde_json::from_slice(&payload) else { return Ok(None) };
                    self.snapshot.notes = notes;
                }
                (frames::ABOUT, _) => {
                    let Ok(about) = serde_json::from_slice::<About>(&payload) else {
                        return Ok(None);
                    };
                    self.complete(&about)?;
                    return Ok(Some((self.snapshot, about)));
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    fn start(&mut self, mut start: Start) -> Result<Start> {
        // One that the configuration no longer has is read past.
        if let Some(collection) = self.config.collections.get(&start.name)
            && definition(collection) != start.definition
        {
            let what = format!("holds other rows for the collection \"{}\"", start.name);
            return Err(outdated(self.config, &format!("{what} than frieze.toml asks for now")));
        }
        if let Some(collection) = self.config.collections.get(&start.name) {
            let unseen = self.touched.unseen(self.config, collection);
            for column in &mut start.columns {
                column.is_touch = unseen.contains(&&*column.name);
            }
        }
        self.snapshot.collections.insert(start.name.clone(), Vec::new());
        Ok(start)
    }

    fn rows(&mut self, start: &Start, block: &Block) -> Result<()> {
        let mut rows = cells::parse(block, &start.columns)?;
        if let Some(collection) = self.config.collections.get(&start.name) {
            self.shelf.put(&mut rows, &collection.long_texts())?;
        }
        if let Some(all) = self.snapshot.collections.get_mut(&start.name) {
            all.extend(rows);
        }
        Ok(())
    }

    fn layouts(&mut self, stored: Layouts) -> Result<()> {
        if stored.table != self.config.layouts {
            return Err(outdated(self.config, "holds the layouts of another table"));
        }
        let rows = stored.rows.into_iter().map(layouts::Stored::parse);
        self.snapshot.layouts = rows.collect::<Result<_>>()?;
        Ok(())
    }

    /// The configuration's collections, in its order, and nothing else.
    fn complete(&mut self, about: &About) -> Result<()> {
        if about.origin.role != self.config.database.role {
            let what = format!("was read as the role \"{}\"", about.origin.role);
            return Err(outdated(self.config, &what));
        }
        let mut read = std::mem::take(&mut self.snapshot.collections);
        for name in self.config.collections.keys() {
            let rows = read.swap_remove(name).ok_or_else(|| {
                outdated(self.config, &format!("has no rows for the collection \"{name}\""))
            })?;
            self.snapshot.collections.insert(name.clone(), rows);
        }
        let notes = std::mem::take(&mut self.snapshot.notes).into_iter();
        let notes = notes.filter_map(|(name, notes)| {
            let collection = self.config.collections.get(&name)?;
            let notes = notes.fit(collection.related.as_ref(), &self.snapshot.collections);
            Some((name, notes))
        });
        self.snapshot.notes = notes.collect();
        Ok(())
    }
}
