//! A value in many pieces, each behind its own lock, so that threads rarely meet.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;

pub struct Sharded<T> {
    shards: [Mutex<T>; SHARDS],
    hasher: RandomState,
}

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { shards, hasher: RandomState::new() }
    }
}

impl<T> Sharded<T> {
    /// The piece that a path belongs to.
    pub fn of(&self, path: &str) -> MutexGuard<'_, T> {
        let shard = usize::try_from(self.hasher.hash_one(path) % SHARDS as u64).unwrap_or(0);
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn into_each(self) -> impl Iterator<Item = T> {
        self.shards
            .into_iter()
            .map(|shard| shard.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}
