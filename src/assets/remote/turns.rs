//! How many requests run at a time: few in all, fewer to one host.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

const IN_ALL: usize = 8;
const PER_HOST: usize = 4;

pub struct Turns {
    all: Arc<Semaphore>,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

/// Held while a request runs.
pub struct Turn {
    _permits: [Option<OwnedSemaphorePermit>; 2],
}

impl Turns {
    pub fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(IN_ALL)), hosts: Mutex::default() }
    }

    /// Waits for a turn. The host comes first: who waits for a slow one keeps no other waiting.
    pub async fn take(&self, url: &Url) -> Turn {
        // The semaphores are never closed, so both permits are always there.
        let host = self.host(url).acquire_owned().await.ok();
        let all = self.all.clone().acquire_owned().await.ok();
        Turn { _permits: [host, all] }
    }

    fn host(&self, url: &Url) -> Arc<Semaphore> {
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.entry(host).or_insert_with(|| Arc::new(Semaphore::new(PER_HOST))).clone()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn take(turns: &Turns, url: &str) -> Option<Turn> {
        turns.take(&Url::parse(url).unwrap()).now_or_never()
    }

    #[test]
    fn four_to_one_host_and_eight_in_all() {
        let turns = Turns::new();
        let mut held: Vec<_> = (0..4).filter_map(|_| take(&turns, "https://a.example/")).collect();
        assert_eq!(held.len(), 4);
        assert!(take(&turns, "https://a.example/other").is_none());
        held.extend((0..4).filter_map(|_| take(&turns, "https://b.example/")));
        assert_eq!(held.len(), 8);
        assert!(take(&turns, "https://c.example/").is_none());
        held.remove(0);
        assert!(take(&turns, "https://a.example/").is_some());
    }
}
