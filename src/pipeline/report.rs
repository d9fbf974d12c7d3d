//! What a build reports: while it runs to an observer, and at its end as one value.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Serialize;
use tracing::Span;

use super::pages::Done;
use super::pictures;
use crate::config::Config;
use crate::db::deploys::Seen;
use crate::enrich::worker::Report as Enriched;
use crate::model::{Hash, Site};
use crate::publish::Report as Published;
use crate::source::snapshot::About;
use crate::telemetry::SPANS;

/// Is told how far a build is. Called from many threads.
pub trait Observer: Sync {
    fn stage(&self, _name: &'static str) {}
    /// There are this many pages to render.
    fn pages(&self, _total: u64) {}
    /// One page is done.
    fn page(&self) {}
}

/// Nobody is watching.
pub struct Quiet;

impl Observer for Quiet {}

/// Measures stages.
pub struct Clock<'a> {
    observer: &'a dyn Observer,
    span: Span,
    began: Instant,
    running: Option<(&'static str, Instant, Span)>,
    stages: Vec<(&'static str, Duration)>,
}

impl<'a> Clock<'a> {
    pub fn new(observer: &'a dyn Observer) -> Self {
        let span = tracing::info_span!(target: SPANS, "build");
        Self { observer, span, began: Instant::now(), running: None, stages: Vec::new() }
    }

    pub fn observer(&self) -> &'a dyn Observer {
        self.observer
    }

    /// The span of the stage that runs: whoever works on other threads goes into it there.
    pub fn span(&self) -> Span {
        self.running.as_ref().map_or_else(|| self.span.clone(), |(.., span)| span.clone())
    }

    pub fn start(&mut self, name: &'static str) {
        self.stop();
        self.observer.stage(name);
        let span =
            tracing::info_span!(target: SPANS, parent: &self.span, "stage", otel.name = name);
        self.running = Some((name, Instant::now(), span));
    }

    fn stop(&mut self) {
        if let Some((name, since, _)) = self.running.take() {
            self.stages.push((name, since.elapsed()));
        }
    }

    pub fn finish(mut self) -> Times {
        self.stop();
        Times { total: self.began.elapsed(), stages: self.stages }
    }
}

pub struct Times {
    pub total: Duration,
    pub stages: Vec<(&'static str, Duration)>,
}

/// A finished build.
#[derive(Debug, Serialize)]
pub struct Report {
    pub output: PathBuf,
    pub pages: usize,
    /// Pages made from the same inputs as the last time, and so not rendered again.
    pub reused: usize,
    pub files: usize,
    pub bytes: u64,
    /// Files that were written; the others were there already.
    pub written: usize,
    pub removed: usize,
    pub heaviest: Option<Heaviest>,
    pub images: pictures::Report,
    /// The snapshot that stood in for a database out of reach.
    pub snapshot: Option<About>,
    /// What models did before the build, where they were asked.
    pub enriched: Option<Enriched>,
    /// The marks of changes that the site has taken in, where it goes live.
    #[serde(skip)]
    pub changes: Option<Seen>,
    /// Hash of the content the site was made from.
    pub fingerprint: String,
    pub seconds: f64,
    pub stages: Vec<StageTime>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Heaviest {
    pub path: String,
    pub bytes: u64,
}

#[derive(Debug, Serialize)]
pub struct StageTime {
    pub name: &'static str,
    pub seconds: f64,
}

impl Report {
    pub(super) fn new(
        config: &Config,
        site: &Site,
        pages: Done,
        images: pictures::Report,
        published: Published,
        fingerprint: Hash,
        times: Times,
    ) -> Self {
        let stage = |(name, time): (_, Duration)| StageTime { name, seconds: time.as_secs_f64() };
        Self {
            output: config.build.output.clone(),
            pages: site.pages.len(),
            reused: pages.reused,
            files: published.files,
            bytes: published.bytes,
            written: published.written,
            removed: published.removed,
            heaviest: pages.heaviest,
            images,
            snapshot: None,
            enriched: None,
            changes: None,
            fingerprint: blake3::Hash::from_bytes(fingerprint).to_hex().to_string(),
            seconds: times.total.as_secs_f64(),
            stages: times.stages.into_iter().map(stage).collect(),
        }
    }
}
