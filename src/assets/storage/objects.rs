//! Replacing an object in the project's storage: looked at, copied, uploaded, and looked at again.

use std::path::{Path, PathBuf};

use url::Url;

use super::api::{Api, Manner, Pace, Trouble};
use super::copies::Copies;
use super::key::Key;
use super::object::Object;
use crate::assets::images::Lighter;
use crate::error::{Error, Result};

pub struct Objects {
    api: Api,
}

/// What the storage serves after an upload.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Wanted,
    /// What was there before.
    Former,
    Other,
}

/// A cache may need a moment to forget what was there before.
const LOOKS: usize = 3;

impl Objects {
    pub fn new(storage: &Url, key: Key, pace: Pace) -> Result<Self> {
        Ok(Self { api: Api::new(storage, key, pace)? })
    }

    /// Puts a new file in the place of `old` and says where the copy of that is.
    pub fn replace(
        &self,
        object: &Object,
        old: &[u8],
        new: &Lighter,
        copies: &Copies,
    ) -> Result<PathBuf> {
        let served = self.api.get(object, old.len());
        let served = served.map_err(|it| untouched(object, &it.into_error(), None))?;
        if served.bytes != old {
            return Err(Error::output(format!(
                "{} changed while it was recompressed",
                shown(object)
            ))
            .help("it was left as it is; run the command again"));
        }
        let copy = copies.keep(&format!("storage/{}", object.name), old)?;
        let Lighter { bytes: new, media_type, .. } = new;
        let manner = Manner { media_type, cache_control: served.cache_control };
        let trouble = match self.api.put(object, new, &manner) {
            Err(Trouble::Refused(error)) => return Err(untouched(object, &error, Some(&copy))),
            Err(Trouble::Passing(error)) => Some(error),
            Ok(()) => None,
        };
        // After trouble, too, the new file may be there, or half of it.
        match (self.look(object, new, old), trouble) {
            (Ok(Seen::Wanted), _) => Ok(copy),
            (Ok(Seen::Former), Some(error)) => Err(untouched(object, &error, Some(&copy))),
            (Ok(_), _) => Err(self.restore(object, old, new, &manner, &copy)),
            (Err(error), trouble) => Err(unclear(object, trouble.unwrap_or(error), &copy)),
        }
    }

    fn look(&self, object: &Object, wanted: &[u8], former: &[u8]) -> Result<Seen> {
        let most = wanted.len().max(former.len());
        for look in 1.. {
            let served = self.api.get(object, most).map_err(Trouble::into_error)?;
            let hash = blake3::hash(&served.bytes);
            if hash == blake3::hash(wanted) {
                return Ok(Seen::Wanted);
            }
            if hash != blake3::hash(former) {
                break;
            }
            if look == LOOKS {
                return Ok(Seen::Former);
            }
            self.api.pause();
        }
        Ok(Seen::Other)
    }

    /// Uploads the original again where something else than the new file is served.
    fn restore(
        &self,
        object: &Object,
        old: &[u8],
        new: &[u8],
        manner: &Manner,
        copy: &Path,
    ) -> Error {
        let image = shown(object);
        let wrong = Error::output(format!(
            "{image} was not replaced: the storage did not serve what was uploaded"
        ));
        let uploaded = self.api.put(object, old, manner).map_err(Trouble::into_error);
        match uploaded.and_then(|()| self.look(object, old, new)) {
            Ok(Seen::Wanted) => wrong.help(format!(
                "the original was uploaded again and is served as before; a copy is in {}",
                copy.display()
            )),
            Ok(_) => wrong.help(by_hand(copy)),
            Err(error) => wrong.because(error).help(by_hand(copy)),
        }
    }
}

fn shown(object: &Object) -> String {
    format!("the image {}", object.public())
}

fn untouched(object: &Object, error: &Error, copy: Option<&Path>) -> Error {
    let copy = copy.map_or(String::new(), |it| format!(", and a copy is in {}", it.display()));
    let remedy = error.help_text().unwrap_or_default();
    let help = format!("{remedy}; the image is as it was{copy}");
    caused(&format!("{} was not replaced", shown(object)), error).help(help)
}

fn unclear(object: &Object, error: Error, copy: &Path) -> Error {
    let what = format!("whether {} was replaced cannot be seen", shown(object));
    let copy = copy.display();
    error.context(what).help(format!(
        "open its URL: if it is not shown well, upload the original from {copy}; then run the command again"
    ))
}

fn by_hand(copy: &Path) -> String {
    format!("the original could not be put back: upload it from {}", copy.display())
}

fn caused(what: &str, error: &Error) -> Error {
    Error::new(error.kind(), what).because(Error::output(error.chain().join(": ")))
}
