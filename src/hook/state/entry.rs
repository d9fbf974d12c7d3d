//! One thing that happened, as a line of the journal.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::State;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// A table changed, as told by the request with this id.
    Change { at: i64, table: String, id: Option<u64> },
    /// The database has these changes pending, by table; those of `tables` are new.
    Polled { at: i64, tables: Vec<String>, marks: BTreeMap<String, String> },
    /// A deployment begins.
    Begun { at: i64 },
    /// It ended; whether it takes of the day's budget.
    Ended { at: i64, ok: bool, counts: bool },
    /// The clock was set by so many milliseconds.
    Clock { by: i64 },
    /// What must not be forgotten even where the next is damaged.
    Budget { spent: VecDeque<i64>, last_attempt: Option<i64> },
    /// Everything so far.
    Whole(Box<State>),
}

impl Entry {
    /// A change of which the journal says when.
    pub fn change(table: String, id: Option<u64>) -> Self {
        Self::Change { at: 0, table, id }
    }

    /// When it happened is when it is written down.
    pub fn stamp(&mut self, now: i64) {
        match self {
            Self::Change { at, .. }
            | Self::Polled { at, .. }
            | Self::Begun { at }
            | Self::Ended { at, .. } => *at = now,
            Self::Clock { .. } | Self::Budget { .. } | Self::Whole(_) => {}
        }
    }

    /// Of the request that told of it, where that has one.
    pub fn id(&self) -> Option<u64> {
        match self {
            Self::Change { id, .. } => *id,
            _ => None,
        }
    }
}
