//! The tasks that a worker has at hand, each within its time.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use uuid::Uuid;

use super::too_long;
use crate::enrich::{Claimed, Effect, Failure, FailureKind, Perform};

/// A task that was performed.
pub struct Done {
    pub task: Claimed,
    pub result: Result<Effect, Failure>,
}

pub struct Running<'a, P> {
    performer: &'a P,
    /// A task's own time: shorter than the lease, so that it is recorded within that.
    limit: Duration,
    futures: FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send + 'a>>>,
    /// Those whose end is not recorded yet.
    held: HashMap<Claim, (Claimed, Span)>,
    pub done: Vec<Done>,
}

/// Somebody may cancel a task that runs, and have it tried again: then this worker may hold it twice.
type Claim = (Uuid, DateTime<Utc>);

fn claim(task: &Claimed) -> Claim {
    (task.id, task.claimed_at)
}

/// From the claim until its end is recorded.
fn span(task: &Claimed) -> Span {
    let Claimed { id, task_type, attempts, .. } = task;
    tracing::error_span!(
        "task",
        task_id = %id,
        task_type,
        attempt = attempts,
        error.r#type = Empty,
        otel.status_code = Empty,
    )
}

impl<'a, P: Perform> Running<'a, P> {
    pub fn new(performer: &'a P, lease: Duration) -> Self {
        let limit = lease.mul_f64(0.8);
        let (held, done) = (HashMap::new(), Vec::new());
        Self { performer, limit, futures: FuturesUnordered::new(), held, done }
    }

    pub fn held(&self) -> usize {
        self.held.len()
    }

    pub fn start(&mut self, task: Claimed, claimed_at: Instant, end: Option<Instant>) {
        let span = span(&task);
        self.held.insert(claim(&task), (task.clone(), span.clone()));
        let (performer, limit) = (self.performer, self.limit);
        let own = claimed_at + limit;
        let deadline = end.map_or(own, |end| end.min(own));
        let work = async move {
            let perform = async {
                match &task.unreadable {
                    Some(why) => Err(Failure::new(FailureKind::Final, why)),
                    None => performer.perform(&task, deadline).await,
                }
            };
            let perform = AssertUnwindSafe(perform).catch_unwind();
            let result = match tokio::time::timeout_at(own.into(), perform).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(Failure::new(FailureKind::Retry, "the work on it broke off")),
                Err(_) => Err(too_long(limit)),
            };
            Done { task, result }
        };
        self.futures.push(Box::pin(work.instrument(span)));
    }

    /// Waits for something while tasks go on.
    pub async fn alongside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                Some(done) = self.futures.next(), if !self.futures.is_empty() => self.done.push(done),
            }
        }
    }

    /// Until a task ends, and with it all others that have.
    pub async fn until_one_ends(&mut self, pause: impl Future<Output = ()>) {
        tokio::select! {
            Some(done) = self.futures.next(), if !self.futures.is_empty() => self.done.push(done),
            () = pause => return,
        }
        self.collect();
    }

    /// Those that have ended by now.
    pub fn collect(&mut self) {
        while let Some(Some(done)) = self.futures.next().now_or_never() {
            self.done.push(done);
        }
    }

    /// What log lines about a task stand in.
    pub fn span(&self, task: &Claimed) -> Span {
        self.held.get(&claim(task)).map_or_else(Span::none, |(_, span)| span.clone())
    }

    pub fn forget(&mut self, task: &Claimed) {
        self.held.remove(&claim(task));
    }

    /// Stops all: those that were at hand.
    pub fn stop(&mut self) -> Vec<Claimed> {
        self.futures.clear();
        self.done.clear();
        self.held.values().map(|(task, _)| task.clone()).collect()
    }
}
