//! The entries that wait to be sent. Only their keys: what is sent is read from the local store.

use std::collections::{HashSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::cache::Key;

/// Requests at a time.
const SENDERS: usize = 8;

/// More than any site has; beyond it, entries stay here.
const LONGEST: usize = 1 << 16;

#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Key>,
    senders: usize,
    /// What is there, on its way there, or came from there.
    known: HashSet<Key>,
    unsent: usize,
}

impl Queue {
    /// An entry that the remote store has needs no sending.
    pub fn know(&self, key: Key) {
        self.lock().known.insert(key);
    }

    /// Takes an entry, unless it is known. Says whether one more sender should start.
    pub fn offer(&self, key: Key) -> bool {
        let mut state = self.lock();
        if state.waiting.len() >= LONGEST {
            state.unsent += 1;
            return false;
        }
        if !state.known.insert(key) {
            return false;
        }
        state.waiting.push_back(key);
        let start = state.senders < SENDERS;
        state.senders += usize::from(start);
        start
    }

    /// What a sender has to send next; at `None` it ends.
    pub fn next(&self) -> Option<Key> {
        let mut state = self.lock();
        let next = state.waiting.pop_front();
        if next.is_none() {
            state.senders -= 1;
            self.changed.notify_all();
        }
        next
    }

    pub fn not_sent(&self) {
        self.lock().unsent += 1;
    }

    pub fn unsent(&self) -> usize {
        self.lock().unsent
    }

    /// Waits until all is sent. After a time, what still waits or is under way counts as not sent,
    /// and its number is returned.
    pub fn wait(&self, at_most: Duration) -> usize {
        let busy = |state: &mut State| state.senders > 0;
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, busy);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let left = state.waiting.len() + state.senders;
        state.waiting.clear();
        state.unsent += left;
        left
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> Key {
        *blake3::hash(&number.to_le_bytes()).as_bytes()
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let queue = Queue::default();
        queue.know(key(1));
        assert!(!queue.offer(key(1)));
        assert!(queue.offer(key(2)));
        assert!(!queue.offer(key(2)));
        assert_eq!((queue.next(), queue.next()), (Some(key(2)), None));
        assert_eq!(queue.wait(Duration::ZERO), 0);
    }

    #[test]
    fn only_so_many_senders_start() {
        let queue = Queue::default();
        let started = (0..100).filter(|number| queue.offer(key(*number))).count();
        assert_eq!(started, SENDERS);
        while queue.next().is_some() {}
        assert!(queue.offer(key(100)), "the one that ended needs a successor");
    }

    #[test]
    fn the_queue_has_a_bound() {
        let queue = Queue::default();
        for number in 0..LONGEST + 5 {
            queue.offer(key(number));
        }
        assert_eq!(queue.lock().waiting.len(), LONGEST);
        assert_eq!(queue.unsent(), 5);
    }

    #[test]
    fn waiting_ends_and_counts_what_is_left() {
        let queue = Queue::default();
        for number in 0..10 {
            queue.offer(key(number));
        }
        queue.next();
        let left = 9 + SENDERS;
        assert_eq!(queue.wait(Duration::from_millis(1)), left);
        assert_eq!((queue.unsent(), queue.next()), (left, None));
    }
}
