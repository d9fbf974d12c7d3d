//! Counters, in the text that Prometheus reads.

use prometheus::{IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use super::state::State;
use crate::error::{Error, Result};

pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    deployments: IntCounterVec,
    polls: IntCounterVec,
    pending: IntGauge,
    pending_since: IntGauge,
    spent: IntGauge,
    failures: IntGauge,
    last_success: IntGauge,
}

impl Metrics {
    pub fn new() -> Result<Self> {
        Self::registered(Registry::new()).map_err(failed)
    }

    fn registered(registry: Registry) -> prometheus::Result<Self> {
        let outcomes = |name: &str, help: &str, outcomes: [&str; 2]| {
            let counter =
                IntCounterVec::new(Opts::new(format!("frieze_hook_{name}"), help), &["outcome"])?;
            // What never happened is 0, and not missing.
            for outcome in outcomes {
                counter.with_label_values(&[outcome]);
            }
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let gauge = |name: &str, help: &str| {
            let gauge = IntGauge::new(format!("frieze_hook_{name}"), help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        Ok(Self {
            requests: outcomes(
                "requests_total",
                "Webhooks that came, by what became of them.",
                ["accepted", "refused"],
            )?,
            deployments: outcomes("deployments_total", "Deployments, by how they ended.", ENDS)?,
            polls: outcomes("polls_total", "Looks into the database, by how they ended.", ENDS)?,
            pending: gauge("pending_changes", "Changes that wait for a deployment.")?,
            pending_since: gauge(
                "pending_since_seconds",
                "When the oldest of them came, in seconds since 1970; 0 where none waits.",
            )?,
            spent: gauge(
                "deployments_last_24_hours",
                "Deployments that count towards the day's budget.",
            )?,
            failures: gauge("consecutive_failures", "Deployments that failed since one did not.")?,
            last_success: gauge(
                "last_success_seconds",
                "When a deployment last ended well, in seconds since 1970; 0 if never.",
            )?,
            registry,
        })
    }

    pub fn request(&self, status: u16) {
        let outcome = if status < 400 { "accepted" } else { "refused" };
        self.requests.with_label_values(&[outcome]).inc();
    }

    pub fn poll(&self, ok: bool) {
        self.polls.with_label_values(&[end(ok)]).inc();
    }

    pub fn deployment(&self, ok: bool) {
        self.deployments.with_label_values(&[end(ok)]).inc();
    }

    /// All of them, with what the state says at a time.
    pub fn text(&self, state: &State, now: i64) -> Result<String> {
        let seconds = |time: Option<i64>| time.map_or(0, |it| it / 1000);
        let pending = state.pending.as_ref();
        self.pending.set(pending.map_or(0, |it| count(it.count)));
        self.pending_since.set(seconds(pending.map(|it| it.first)));
        self.spent.set(count(state.spent_by(now)));
        self.failures.set(i64::from(state.failures));
        self.last_success.set(seconds(state.last_success));
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(failed)
    }
}

fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

const ENDS: [&str; 2] = ["succeeded", "failed"];

fn end(ok: bool) -> &'static str {
    if ok { "succeeded" } else { "failed" }
}

fn failed(error: prometheus::Error) -> Error {
    Error::other("cannot count what the receiver does").because(error)
}
