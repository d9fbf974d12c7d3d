//! Counters, in the text that Prometheus reads.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use super::state::State;

#[derive(Default)]
pub struct Metrics {
    accepted: AtomicU64,
    refused: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
    polls: AtomicU64,
    polls_failed: AtomicU64,
}

impl Metrics {
    pub fn request(&self, status: u16) {
        let counter = if status < 400 { &self.accepted } else { &self.refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn poll(&self, ok: bool) {
        let counter = if ok { &self.polls } else { &self.polls_failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn deployment(&self, ok: bool) {
        let counter = if ok { &self.succeeded } else { &self.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

pub fn text(metrics: &Metrics, state: &State, now: i64) -> String {
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed).to_string();
    let seconds =
        |time: Option<i64>| time.map_or_else(|| "0".to_owned(), |it| (it / 1000).to_string());
    let pending = state.pending.as_ref();
    let mut text = String::new();
    for (name, kind, help, lines) in [
        (
            "frieze_hook_requests_total",
            "counter",
            "Webhooks that came, by what became of them.",
            vec![
                ("{outcome=\"accepted\"}", count(&metrics.accepted)),
                ("{outcome=\"refused\"}", count(&metrics.refused)),
            ],
        ),
        (
            "frieze_hook_deployments_total",
            "counter",
            "Deployments, by how they ended.",
            vec![
                ("{outcome=\"succeeded\"}", count(&metrics.succeeded)),
                ("{outcome=\"failed\"}", count(&metrics.failed)),
            ],
        ),
        (
            "frieze_hook_polls_total",
            "counter",
            "Looks into the database, by how they ended.",
            vec![
                ("{outcome=\"succeeded\"}", count(&metrics.polls)),
                ("{outcome=\"failed\"}", count(&metrics.polls_failed)),
            ],
        ),
        (
            "frieze_hook_pending_changes",
            "gauge",
            "Changes that wait for a deployment.",
            vec![("", pending.map_or(0, |it| it.count).to_string())],
        ),
        (
            "frieze_hook_pending_since_seconds",
            "gauge",
            "When the oldest of them came, in seconds since 1970; 0 where none waits.",
            vec![("", seconds(pending.map(|it| it.first)))],
        ),
        (
            "frieze_hook_deployments_last_24_hours",
            "gauge",
            "Deployments that count towards the day's budget.",
            vec![("", state.spent_by(now).to_string())],
        ),
        (
            "frieze_hook_consecutive_failures",
            "gauge",
            "Deployments that failed since one did not.",
            vec![("", state.failures.to_string())],
        ),
        (
            "frieze_hook_last_success_seconds",
            "gauge",
            "When a deployment last ended well, in seconds since 1970; 0 if never.",
            vec![("", seconds(state.last_success))],
        ),
    ] {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for (labels, value) in lines {
            let _ = writeln!(text, "{name}{labels} {value}");
        }
    }
    text
}
