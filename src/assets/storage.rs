//! Originals made lighter where they are: files of the site, and objects in the project's storage.
//! Nothing is replaced before a copy of it lies in `.frieze/originals`.

mod api;
mod copies;
mod durable;
mod home;
mod key;
mod object;
mod objects;

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::PathBuf;

use api::Pace;
use copies::Copies;
use home::Home;
use key::Key;
use objects::Objects;

use super::images::{Images, Lighter, Origin, Source, recompress};
use crate::config::Config;
use crate::error::{Error, Result};

/// What was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// Wider originals are scaled down, in pixels.
    pub max_width: u32,
    /// Nothing is written.
    pub dry_run: bool,
    /// Objects in the project's storage may be replaced too.
    pub remote: bool,
}

/// One original and what became of it.
#[derive(Debug)]
pub struct Original {
    pub image: String,
    pub bytes: u64,
    /// In pixels, as shown; none where that cannot be known.
    pub size: Option<(u32, u32)>,
    pub fate: Fate,
}

#[derive(Debug)]
pub enum Fate {
    /// Why it was left as it is, as the rest of a sentence about it.
    Stays(String),
    /// It would be replaced; `waits` for leave to write to the project's storage.
    Proposed {
        new: Facts,
        waits: bool,
    },
    /// It was replaced, and its copy is in this file.
    Replaced {
        new: Facts,
        copy: PathBuf,
    },
    Failed(Error),
    /// It is named somewhere and could not be had.
    Absent(String),
}

/// The file that takes an original's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    pub bytes: u64,
    pub size: (u32, u32),
}

/// Makes the site's originals lighter, the heaviest first, and tells each when it is done. The error is for
/// what stops the work before it begins; what befalls one image is its fate.
pub fn optimize(
    config: &Config,
    images: &Images,
    wish: Wish,
    env: &dyn Fn(&str) -> Option<String>,
    tell: &mut dyn FnMut(Original) -> Result<()>,
) -> Result<()> {
    let own = |source: &&Source| source.origin() != Origin::Theme;
    let mut sources: Vec<&Source> = images.sources().filter(own).collect();
    sources.sort_by_key(|source| (Reverse(source.bytes), &source.name));
    let homes = sources.iter().map(|source| Home::of(source, config)).collect::<Vec<_>>();
    let desk = Desk::new(config, images, wish, &homes, env)?;
    let mut seen = HashSet::new();
    for (source, home) in sources.into_iter().zip(homes) {
        let fate = match home {
            Err(reason) => Fate::Stays(reason),
            Ok(home) if !seen.insert(home.clone()) => {
                Fate::Stays("is one of those above under another name".to_owned())
            }
            Ok(home) => desk.fate(source, &home),
        };
        let size = source.header.as_ref().ok().map(|header| (header.width, header.height));
        tell(Original { image: source.name.clone(), bytes: source.bytes, size, fate })?;
    }
    let absent = images.broken().into_iter().filter(|(image, _)| images.source(image).is_none());
    absent.into_iter().try_for_each(|(image, reason)| {
        tell(Original { image, bytes: 0, size: None, fate: Fate::Absent(reason) })
    })
}

/// Everything that is needed to replace originals.
struct Desk<'a> {
    images: &'a Images,
    wish: Wish,
    /// None where nothing is written.
    copies: Option<Copies>,
    /// None where nothing may be written to the project's storage.
    objects: Option<Objects>,
}

impl<'a> Desk<'a> {
    fn new(
        config: &Config,
        images: &'a Images,
        wish: Wish,
        homes: &[Result<Home, String>],
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let remote = homes.iter().any(|home| matches!(home, Ok(Home::Object(_))));
        let objects = match &config.images.storage {
            Some(storage) if remote && wish.remote && !wish.dry_run => {
                let key = Key::of(env, storage)?;
                Some(Objects::new(storage, key, Pace::default())?)
            }
            _ => None,
        };
        let copies = (!wish.dry_run).then(|| Copies::open(&config.root)).transpose()?;
        Ok(Self { images, wish, copies, objects })
    }

    fn fate(&self, source: &Source, home: &Home) -> Fate {
        let bytes = match source.read(self.images.cache()) {
            Ok(bytes) => bytes,
            Err(reason) => return Fate::Failed(unread(source, &reason)),
        };
        let max_pixels = self.images.settings().max_pixels;
        let lighter = match recompress(&bytes, self.wish.max_width, max_pixels) {
            Ok(lighter) => lighter,
            Err(reason) => return Fate::Stays(reason),
        };
        let new =
            Facts { bytes: lighter.bytes.len() as u64, size: (lighter.width, lighter.height) };
        match self.replace(home, &bytes, &lighter) {
            None => Fate::Proposed { new, waits: !self.wish.dry_run },
            Some(Ok(copy)) => Fate::Replaced { new, copy },
            Some(Err(error)) => Fate::Failed(error),
        }
    }

    /// Where the copy of the original is; nothing where that is not to be written to.
    fn replace(&self, home: &Home, old: &[u8], new: &Lighter) -> Option<Result<PathBuf>> {
        let copies = self.copies.as_ref()?;
        match home {
            Home::File { real, below } => Some(copies.keep(below, old).and_then(|copy| {
                durable::replace(real, old, &new.bytes)?;
                Ok(copy)
            })),
            Home::Object(object) => Some(self.objects.as_ref()?.replace(object, old, new, copies)),
        }
    }
}

fn unread(source: &Source, reason: &str) -> Error {
    Error::content(format!("the image {} {reason}", source.name)).help("it was left as it is")
}
