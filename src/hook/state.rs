//! What the receiver knows: changes that are pending, what it did about them, and whose requests it
//! has seen. It follows from the entries of the journal, one after the other, and from nothing else.

mod entry;
mod pending;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::rule::DAY;
pub use entry::Entry;
pub use pending::Pending;
use seen::Seen;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub pending: Option<Pending>,
    /// What the running deployment is to bring about.
    taken: Option<Pending>,
    /// Deployments of the last 24 hours, oldest first, and perhaps older ones.
    pub spent: VecDeque<i64>,
    /// When the last attempt began; where nobody knows what became of it, when it was given up.
    pub last_attempt: Option<i64>,
    pub last_success: Option<i64>,
    /// Attempts that failed since the last that did not.
    pub failures: u32,
    /// Nobody knows how the last attempt ended: it may have become a deployment.
    pub is_unclear: bool,
    /// The changes that the database had pending when it was last asked, by table.
    pub polled: BTreeMap<String, String>,
    seen: Seen,
}

impl State {
    pub fn has_seen(&self, id: u64) -> bool {
        self.seen.has(id)
    }

    pub fn is_running(&self) -> bool {
        self.taken.is_some()
    }

    /// Deployments in the 24 hours before `now`.
    pub fn spent_by(&self, now: i64) -> usize {
        self.spent.iter().filter(|at| now.saturating_sub(**at) < DAY).count()
    }

    pub fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Change { at, table, id } => {
                self.change(at, table);
                if let Some(id) = id {
                    self.seen.remember(at, id);
                }
            }
            Entry::Polled { at, tables, marks } => {
                if let Some(pending) = &mut self.pending {
                    pending.keep_found(|table| marks.contains_key(table));
                }
                self.pending.take_if(|pending| pending.tables.is_empty());
                for table in tables {
                    let pending = self.pending.get_or_insert_with(|| Pending::since(at));
                    pending.find(at, table);
                }
                self.polled = marks;
            }
            Entry::Begun { at } => {
                // One that never ended gave back nothing yet.
                self.interrupted();
                self.last_attempt = Some(at);
                self.taken = self.pending.take();
            }
            Entry::Ended { at, ok, counts } => self.ended(at, ok, counts),
            Entry::Clock { by } => self.move_by(by),
            Entry::Budget { spent, last_attempt } => {
                if spent.len() > self.spent.len() {
                    self.spent = spent;
                }
                self.last_attempt = self.last_attempt.or(last_attempt);
            }
            Entry::Whole(state) => *self = *state,
        }
    }

    /// After a start: a deployment that was running may or may not have come about. It is tried
    /// again, and counts.
    pub fn interrupted(&mut self) {
        if let Some(at) = self.last_attempt.filter(|_| self.taken.is_some()) {
            self.ended(at, false, true);
        }
    }

    /// No time lies ahead.
    pub fn not_after(&mut self, now: i64) {
        self.waiting().for_each(|pending| pending.not_after(now));
        self.map_times(|at| at.min(now));
    }

    /// Nothing is longer or shorter ago because somebody sets the clock.
    fn move_by(&mut self, by: i64) {
        self.waiting().for_each(|pending| pending.move_by(by));
        self.map_times(|at| at.saturating_add(by));
    }

    fn waiting(&mut self) -> impl Iterator<Item = &mut Pending> {
        [&mut self.pending, &mut self.taken].into_iter().flatten()
    }

    fn map_times(&mut self, time: impl Fn(i64) -> i64) {
        let single = [&mut self.last_attempt, &mut self.last_success].into_iter().flatten();
        single.chain(&mut self.spent).for_each(|at| *at = time(*at));
        self.seen.map_times(time);
    }

    fn change(&mut self, at: i64, table: String) {
        self.pending.get_or_insert_with(|| Pending::since(at)).add(at, table, 1);
    }

    fn ended(&mut self, at: i64, ok: bool, counts: bool) {
        if counts {
            self.spent.push_back(self.last_attempt.unwrap_or(at));
        }
        while self.spent.front().is_some_and(|first| at - first >= DAY) {
            self.spent.pop_front();
        }
        self.is_unclear = counts && !ok;
        if self.is_unclear {
            self.last_attempt = Some(at);
        }
        let taken = self.taken.take();
        if ok {
            (self.failures, self.last_success) = (0, Some(at));
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if let Some(taken) = taken {
            let since = taken.last;
            self.pending.get_or_insert_with(|| Pending::since(since)).take_back(taken);
        }
    }
}
