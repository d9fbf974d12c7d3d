//! The work itself: what is left to do for a variant, what a source costs, and making what is
//! wanted of one.

use super::make::make;
use super::variant::placeholder_key;
use super::{Images, Made, Outcome, Source, What, keys};
use crate::error::Result;

/// A source with what is wanted of it.
pub type Job = (String, Vec<What>);

impl Images {
    /// Whether nothing is left to do for a variant.
    pub(super) fn is_complete(&self, source: &Source, what: What) -> bool {
        let stands_alone = !matches!(what, What::Scaled { .. });
        self.outcome(&what.key(&source.hash)).is_some()
            && (stands_alone || self.placeholder(source).is_some())
    }

    /// Brings what a remote cache has of a batch.
    pub(super) fn fetch(&self, batch: &[Job]) {
        let keys = batch.iter().filter_map(|(name, wanted)| {
            let source = self.source(name)?;
            Some(wanted.iter().flat_map(|what| keys(source, *what)))
        });
        self.cache().fetch(&keys.flatten().collect::<Vec<_>>());
    }

    /// The decoded pixels of a source. An animation has an unknown number of frames: it is worked
    /// on alone.
    pub(super) fn cost(&self, source: &Source) -> u64 {
        match &source.header {
            Ok(header) if header.passes() => 0,
            Ok(header) if header.animated => self.settings().pixels_in_flight,
            Ok(header) => header.pixels(),
            Err(_) => 0,
        }
    }

    pub(super) fn work(&self, name: &str, wanted: &[What]) -> Result<Made> {
        let Some(source) = self.source(name) else { return Ok(Made::default()) };
        let entries = match make(source, wanted, self.cache(), self.settings()) {
            Ok(entries) => entries,
            Err(reason) => {
                self.mark_broken(name, &reason);
                return Ok(Made::default());
            }
        };
        let mut made = Made { decoded: 1, ..Made::default() };
        for (key, bytes) in entries {
            self.cache().put(&key, &bytes)?;
            let length = bytes.len() as u64;
            self.learn(key, if length == 0 { Outcome::Dropped } else { Outcome::Made(length) });
            if key == placeholder_key(&source.hash) {
                self.learn_placeholder(source, bytes);
            } else if length > 0 {
                made.encoded += 1;
                made.bytes += length;
            }
        }
        Ok(made)
    }
}
