//! What is kept of vectors and of what was found by them, in a file beside the snapshot: a head,
//! which is all that a build reads if nothing has changed, and the numbers. A file that is damaged
//! counts as none.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::nearest::{Before, Vectors};
use super::stored::Stamp;
use super::{Vector, Wanted};
use crate::error::{Error, Result};
use crate::fs;

/// The last of it is the format's number.
const MAGIC: &[u8; 16] = b"frieze vectors 1";

/// Magic, length of the head, checksum of the head.
const START: usize = 16 + 8 + 32;

/// A collection and a model.
type Name = (String, String);

#[derive(Debug, Default)]
pub struct Kept {
    head: Head,
    path: Option<PathBuf>,
    /// The numbers, once they were needed.
    vectors: HashMap<Name, HashMap<Uuid, (Stamp, Vec<f32>)>>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Head {
    sets: Vec<Set>,
    found: Vec<Found>,
}

/// The vectors of a collection, in the order of their ids.
#[derive(Debug, Serialize, Deserialize)]
struct Set {
    name: Name,
    rows: Vec<(Uuid, Stamp)>,
    lengths: Vec<u32>,
    /// Where its numbers begin behind the head, in bytes, and their checksum.
    at: u64,
    sum: [u8; 32],
}

/// The related rows of a collection.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    name: String,
    of: String,
    model: String,
    limit: usize,
    from: Vec<(Uuid, Stamp)>,
    to: Vec<(Uuid, Stamp)>,
    /// For each row of `from` the nearest of `to`, as positions.
    pub rows: Vec<Vec<u32>>,
}

impl Found {
    pub fn of(wanted: &Wanted, rows: Vec<Vec<u32>>) -> Self {
        let Wanted { name, of, limit, model, from, to } = wanted;
        let (name, of, model) = (name.clone(), of.clone(), model.clone());
        Self { name, of, model, limit: *limit, from: from.clone(), to: to.clone(), rows }
    }

    fn is_about(&self, wanted: &Wanted) -> bool {
        let is_same =
            (&self.name, &self.of, &self.model) == (&wanted.name, &wanted.of, &wanted.model);
        is_same && self.limit == wanted.limit && self.rows.len() == self.from.len()
    }
}

impl Kept {
    pub fn open(path: &Path) -> Self {
        let head = head(path).unwrap_or_default();
        Self { head, path: Some(path.to_owned()), vectors: HashMap::new() }
    }

    /// What was found by the very same vectors.
    pub fn result(&self, wanted: &Wanted) -> Option<Found> {
        let found = self.head.found.iter().find(|found| found.is_about(wanted))?;
        (found.from == wanted.from && found.to == wanted.to).then(|| found.clone())
    }

    /// What was found by others, as far as it is still of use.
    pub fn before(&self, wanted: &Wanted) -> Option<Before> {
        let found = self.head.found.iter().find(|found| found.is_about(wanted))?;
        let former: HashMap<Uuid, (Stamp, &Vec<u32>)> = found
            .from
            .iter()
            .zip(&found.rows)
            .map(|((id, stamp), near)| (*id, (*stamp, near)))
            .collect();
        let today: HashMap<&(Uuid, Stamp), u32> = wanted.to.iter().zip(0..).collect();
        let rows = wanted.from.iter().map(|(id, stamp)| {
            let (was, near) = former.get(id)?;
            // One that was near and is gone makes room for one that was never looked at.
            let still = |near: &u32| today.get(found.to.get(*near as usize)?).copied();
            (was == stamp).then(|| near.iter().map(still).collect())?
        });
        let rows = rows.collect();
        let old: std::collections::HashSet<&(Uuid, Stamp)> = found.to.iter().collect();
        let new = wanted.to.iter().zip(0..).filter(|(row, _)| !old.contains(row));
        Some(Before { rows, new: new.map(|(_, index)| index).collect() })
    }

    /// The vectors that are kept, without their numbers.
    pub fn stamps(&self, collection: &str, model: &str) -> HashMap<Uuid, Stamp> {
        let set = self.head.sets.iter().find(|set| set.name.0 == collection && set.name.1 == model);
        // Those whose numbers are damaged have to be read again.
        let set = set.filter(|set| self.numbers(set).is_some());
        set.map(|set| set.rows.iter().copied().collect()).unwrap_or_default()
    }

    /// Adds vectors to those that are kept.
    pub fn take_in(&mut self, name: &Name, fresh: Vec<Vector>) {
        if !self.vectors.contains_key(name) {
            let set = self.head.sets.iter().find(|set| set.name == *name);
            let kept = set.and_then(|set| self.numbers(set)).unwrap_or_default();
            self.vectors.insert(name.clone(), kept);
        }
        let vectors = self.vectors.entry(name.clone()).or_default();
        vectors.extend(fresh.into_iter().map(|(id, stamp, vector)| (id, (stamp, vector))));
    }

    /// The vectors of rows; one that went missing between two readings is near nothing.
    pub fn vectors(&self, name: &Name, rows: &[(Uuid, Stamp)]) -> Vectors {
        let vectors = self.vectors.get(name);
        let vector = |(id, _): &(Uuid, Stamp)| {
            let vector = vectors.and_then(|vectors| vectors.get(id));
            vector.map_or(&[][..], |(_, vector)| vector.as_slice())
        };
        Vectors::new(rows.iter().map(vector))
    }

    fn numbers(&self, set: &Set) -> Option<HashMap<Uuid, (Stamp, Vec<f32>)>> {
        let mut file = File::open(self.path.as_ref()?).ok()?;
        let mut head = [0; 24];
        file.read_exact(&mut head).ok()?;
        let head = u64::from_le_bytes(head[16..].try_into().ok()?);
        file.seek(SeekFrom::Start(START as u64 + head + set.at)).ok()?;
        let length = set.lengths.iter().map(|length| u64::from(*length) * 4).sum();
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes).ok()?;
        if *blake3::hash(&bytes).as_bytes() != set.sum {
            return None;
        }
        let mut numbers = bytes.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number));
        let rows = set.rows.iter().zip(&set.lengths);
        let vectors = rows.map(|((id, stamp), length)| {
            (*id, (*stamp, numbers.by_ref().take(*length as usize).collect()))
        });
        Some(vectors.collect())
    }

    /// Keeps what this build used, and nothing else.
    pub fn keep(mut self, path: &Path, wanted: &[Wanted], found: Vec<Found>) -> Result<()> {
        let mut rows: HashMap<Name, &[(Uuid, Stamp)]> = HashMap::new();
        for one in wanted {
            rows.insert((one.name.clone(), one.model.clone()), &one.from);
            rows.insert((one.of.clone(), one.model.clone()), &one.to);
        }
        let mut names: Vec<Name> = rows.keys().cloned().collect();
        names.sort_unstable();
        let (mut sets, mut numbers) = (Vec::new(), Vec::new());
        for name in names {
            self.take_in(&name, Vec::new());
            let (rows, vectors) = (rows[&name], &self.vectors[&name]);
            let begin = numbers.len();
            let mut lengths = Vec::with_capacity(rows.len());
            for (id, _) in rows {
                let vector = vectors.get(id).map_or(&[][..], |(_, vector)| vector.as_slice());
                lengths.push(u32::try_from(vector.len()).unwrap_or_default());
                numbers.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
            }
            let sum = *blake3::hash(&numbers[begin..]).as_bytes();
            sets.push(Set { name, rows: rows.to_vec(), lengths, at: begin as u64, sum });
        }
        let head = serde_json::to_vec(&Head { sets, found })
            .map_err(|error| Error::other("related rows cannot be written").because(error))?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend((head.len() as u64).to_le_bytes());
        bytes.extend(blake3::hash(&head).as_bytes());
        bytes.extend(head);
        bytes.extend(numbers);
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        fs::replace(path, &bytes)
    }
}

fn head(path: &Path) -> Option<Head> {
    let read = || -> io::Result<Option<Vec<u8>>> {
        let mut file = File::open(path)?;
        let mut start = [0; START];
        file.read_exact(&mut start)?;
        let (magic, rest) = start.split_at(MAGIC.len());
        let (length, sum) = rest.split_at(8);
        let length = u64::from_le_bytes(length.try_into().unwrap_or_default());
        let mut head = Vec::new();
        file.take(length).read_to_end(&mut head)?;
        Ok((magic == MAGIC && blake3::hash(&head).as_bytes() == sum).then_some(head))
    };
    serde_json::from_slice(&read().ok()??).ok()
}
