//! A local store's link to a remote one: brings what is missing here, sends what is new here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Serialize;

use super::queue::Queue;
use super::trouble::Trouble;
use super::{Bucket, LARGEST, RemoteStore};
use crate::cache::folder::Folder;
use crate::cache::{Key, entry};

/// Requests at a time.
const FETCHERS: usize = 16;

/// A build does not wait longer than this for what is still to be sent.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What became of a remote store in a build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct RemoteReport {
    /// Entries that came from there.
    pub hits: usize,
    /// Entries that went there.
    pub uploads: usize,
    /// Requests that failed.
    pub failures: usize,
    /// New entries that it did not get.
    pub unsent: usize,
}

#[derive(Debug)]
pub struct Link {
    remote: RemoteStore,
    shared: Arc<Shared>,
}

/// What the threads in the background have of it.
struct Shared {
    bucket: Arc<Bucket>,
    folder: Folder,
    queue: Queue,
    hits: AtomicUsize,
    uploads: AtomicUsize,
}

impl Link {
    pub fn new(remote: RemoteStore, folder: Folder) -> Self {
        let shared = Shared {
            bucket: Arc::clone(&remote.bucket),
            folder,
            queue: Queue::default(),
            hits: AtomicUsize::new(0),
            uploads: AtomicUsize::new(0),
        };
        Self { remote, shared: Arc::new(shared) }
    }

    /// Brings those of the entries that are there, and says how many.
    pub fn fetch(&self, keys: Vec<Key>) -> usize {
        if keys.is_empty() {
            return 0;
        }
        let shared = Arc::clone(&self.shared);
        self.remote.background.wait(async move { shared.fetch(keys).await }).unwrap_or(0)
    }

    /// Has an entry sent that is new in the local store.
    pub fn offer(&self, key: Key) {
        if self.shared.queue.offer(key) {
            let shared = Arc::clone(&self.shared);
            self.remote.background.spawn(async move { shared.send_all().await });
        }
    }

    pub fn finish(&self, patience: Duration) -> RemoteReport {
        let Shared { bucket, queue, hits, uploads, .. } = &*self.shared;
        let left = queue.wait(patience);
        if left > 0 {
            bucket.health.give_up(&Trouble::too_slow(patience.as_secs(), left));
        }
        RemoteReport {
            hits: hits.load(Ordering::Relaxed),
            uploads: uploads.load(Ordering::Relaxed),
            failures: bucket.health.failures(),
            unsent: queue.unsent(),
        }
    }
}

impl Shared {
    async fn fetch(self: &Arc<Self>, keys: Vec<Key>) -> usize {
        let mut came = 0;
        let fetch = |key| Arc::clone(self).fetch_one(key);
        let mut results = futures_util::stream::iter(keys).map(fetch).buffer_unordered(FETCHERS);
        while !self.bucket.health.is_given_up()
            && let Some(is_here) = results.next().await
        {
            came += usize::from(is_here);
        }
        came
    }

    async fn fetch_one(self: Arc<Self>, key: Key) -> bool {
        let health = &self.bucket.health;
        let found = match self.bucket.download(&key).await {
            Ok(found) => found,
            Err(error) => {
                health.failed(&Trouble::new("reading from it", &error));
                return false;
            }
        };
        health.succeeded();
        let Some(file) = found else { return false };
        let shared = Arc::clone(&self);
        let kept = tokio::task::spawn_blocking(move || shared.keep(&key, file.as_ref())).await;
        kept.unwrap_or(false)
    }

    /// What is damaged, or no entry at all, is as good as not there.
    fn keep(&self, key: &Key, file: &[u8]) -> bool {
        let kept = entry::is_whole(key, file) && self.folder.write_whole(key, file).is_ok();
        if kept {
            self.queue.know(*key);
            self.hits.fetch_add(1, Ordering::Relaxed);
        }
        kept
    }

    async fn send_all(self: Arc<Self>) {
        while let Some(key) = self.queue.next() {
            if !self.send(key).await {
                self.queue.not_sent();
            }
        }
    }

    async fn send(self: &Arc<Self>, key: Key) -> bool {
        if self.bucket.health.is_given_up() {
            return false;
        }
        let shared = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || shared.read(&key)).await;
        let Some(file) = read.ok().flatten() else { return false };
        match self.bucket.upload(&key, file).await {
            Ok(()) => {
                self.bucket.health.succeeded();
                self.uploads.fetch_add(1, Ordering::Relaxed);
                true
            }
            Err(error) => {
                self.bucket.health.failed(&Trouble::new("writing to it", &error));
                false
            }
        }
    }

    /// The file of an entry, if it is still there and whole.
    fn read(&self, key: &Key) -> Option<Vec<u8>> {
        let file = std::fs::read(self.folder.entry(key)).ok()?;
        (file.len() as u64 <= LARGEST && entry::is_whole(key, &file)).then_some(file)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("folder", &self.folder).finish_non_exhaustive()
    }
}
