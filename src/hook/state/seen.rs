//! Requests that came, for as long as they could be sent once more.

use std::collections::{HashSet, VecDeque};

use serde::{Deserialize, Serialize, Serializer};

use crate::hook::auth::TOLERANCE;

/// Most requests that are remembered against replay; the oldest go first.
const MOST: usize = 500_000;

/// How long a request could be replayed, in milliseconds: from too early to too late.
pub const REPLAYABLE: i64 = 2 * TOLERANCE * 1000 + 1000;

/// Written down as the list of times and ids.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "VecDeque<(i64, u64)>")]
pub struct Seen {
    /// By the time they came.
    list: VecDeque<(i64, u64)>,
    index: HashSet<u64>,
}

impl Seen {
    pub fn has(&self, id: u64) -> bool {
        self.index.contains(&id)
    }

    pub fn remember(&mut self, at: i64, id: u64) {
        if self.index.insert(id) {
            self.list.push_back((at, id));
        }
        while self.list.len() > MOST
            || self.list.front().is_some_and(|(then, _)| at - then > REPLAYABLE)
        {
            let Some((_, id)) = self.list.pop_front() else { return };
            self.index.remove(&id);
        }
    }

    pub fn map_times(&mut self, time: impl Fn(i64) -> i64) {
        self.list.iter_mut().for_each(|(at, _)| *at = time(*at));
    }
}

impl From<VecDeque<(i64, u64)>> for Seen {
    fn from(list: VecDeque<(i64, u64)>) -> Self {
        Self { index: list.iter().map(|(_, id)| *id).collect(), list }
    }
}

impl Serialize for Seen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.list.serialize(serializer)
    }
}
