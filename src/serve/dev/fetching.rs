//! Images that lie elsewhere, downloaded while the site is shown: those that a row or layout names
//! for the first time, and again those that could not be had.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::Instant;

use super::attendant::Attendant;
use super::panics::joined;
use super::retry::Retry;
use crate::error::Result;
use crate::pipeline::live::{Fetched, Live};
use crate::serve::events::Event;
use crate::serve::faults::Doing;

/// When images that could not be had are asked for again.
const SOON: Duration = Duration::from_secs(2);
const LATER: Duration = Duration::from_mins(1);

pub struct Fetching {
    job: Option<JoinHandle<Result<Fetched>>>,
    under_way: BTreeSet<String>,
    /// Those that could not be had the last time.
    failed: BTreeSet<String>,
    retry: Retry,
}

impl Default for Fetching {
    fn default() -> Self {
        let (job, under_way, failed) = Default::default();
        Self { job, under_way, failed, retry: Retry::new(SOON, LATER) }
    }
}

impl Fetching {
    /// Images of which it is known that they are not there.
    pub fn known(&self) -> BTreeSet<String> {
        self.under_way.union(&self.failed).cloned().collect()
    }

    /// When to try again.
    pub fn again(&self) -> Option<Instant> {
        self.retry.at().filter(|_| self.job.is_none())
    }

    /// The site was read anew: nothing is known of it.
    pub fn anew(&mut self) {
        self.failed.clear();
        self.retry.well();
    }

    pub fn is_due(&self) -> bool {
        self.again().is_some_and(|at| at <= Instant::now())
    }
}

/// What was fetched, once it was; for ever nothing where nothing is being fetched.
pub async fn arrived(fetching: &mut Fetching) -> Result<Fetched> {
    let Some(job) = &mut fetching.job else { return std::future::pending().await };
    let fetched = joined(job.await);
    fetching.job = None;
    fetched
}

impl Attendant<'_> {
    /// Begins to fetch what is named and not there, and looks whether all else is.
    pub(super) async fn fetch(&mut self) {
        if self.fetching.job.is_none() {
            self.begin_to_fetch().await;
        }
        self.desk.fetching(self.fetching.job.is_some());
        self.check().await;
    }

    async fn begin_to_fetch(&mut self) {
        if !self.fetching.failed.is_empty() {
            // What is wrong with a text is told where it is shown.
            let _ = self.with_live(Live::forget_unnamed).await;
        }
        let live = self.desk.live.read().await;
        let (Some(live), Some(config)) = (live.as_ref(), self.serving.clone()) else { return };
        let mut wanted = live.wanted(&BTreeSet::new());
        let fetching = &mut self.fetching;
        fetching.failed.retain(|url| wanted.urls.contains_key(url));
        if !fetching.retry.take() {
            wanted.urls.retain(|url, _| !fetching.failed.contains(url));
        }
        if !wanted.urls.is_empty() {
            fetching.under_way = wanted.urls.keys().cloned().collect();
            fetching.job = Some(spawn_blocking(move || Ok(wanted.fetch(&config))));
        } else if fetching.failed.is_empty() {
            fetching.retry.well();
            self.note(Doing::Fetching, Ok(()));
        }
    }

    pub(super) async fn fetched(&mut self, fetched: Result<Fetched>) {
        let asked = std::mem::take(&mut self.fetching.under_way);
        let failed = &mut self.fetching.failed;
        failed.retain(|url| !asked.contains(url));
        match &fetched {
            Ok(fetched) => failed.extend(fetched.failed.keys().cloned()),
            Err(_) => failed.extend(asked),
        }
        let well = failed.is_empty();
        if well {
            self.fetching.retry.well();
        } else {
            self.fetching.retry.failed();
        }
        let why = match fetched {
            Ok(fetched) => self.with_live(|live| live.fetched(fetched)).await,
            Err(error) => Err(error),
        };
        match why {
            Ok(Some(error)) | Err(error) => self.note(Doing::Fetching, Err(error)),
            Ok(None) if well => self.note(Doing::Fetching, Ok(())),
            Ok(None) => {}
        }
        // Others may have been named meanwhile.
        self.fetch().await;
        self.changed(Event::Page { at: String::new() });
    }
}
