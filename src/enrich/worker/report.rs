//! What a worker did, as it goes on and after.

use std::time::Duration;

use indexmap::IndexMap;
use serde::Serialize;
use uuid::Uuid;

use crate::enrich::record::{Failed, Recorded};
use crate::enrich::router::{BUILT_IN, NOBODY};
use crate::enrich::{Call, Claimed};

/// Follows a worker.
pub trait Observer: Sync {
    /// So many more tasks were claimed.
    fn claimed(&self, _count: usize) {}
    /// One came to an end, for now.
    fn ended(&self, _task: &Claimed, _end: &End) {}
}

impl Observer for () {}

/// How it went with a task this time.
#[derive(Debug)]
pub enum End {
    Completed(Recorded),
    Failed {
        outcome: Failed,
        message: String,
    },
    /// Interrupted, and given back unharmed.
    PutBack,
    Lost,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    pub run_id: Uuid,
    #[serde(flatten)]
    pub tasks: Tally,
    /// Taken over from workers that did not finish them within their lease.
    pub rescued: usize,
    pub written: usize,
    /// Values that people put there, and that stayed.
    pub kept: usize,
    pub calls: Calls,
    pub by_type: IndexMap<String, Tally>,
    /// The first of them.
    pub problems: Vec<Problem>,
    /// How many tasks are due still.
    pub due: i64,
    /// How many wait for a later time.
    pub later: i64,
    /// What was last in the way of one that waits.
    pub because: Option<String>,
    pub seconds: f64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    pub completed: usize,
    /// For good.
    pub failed: usize,
    /// Attempts that failed, with another to follow.
    pub retried: usize,
    /// Given back: nobody could be asked, or the time was up.
    pub put_back: usize,
    pub lost: usize,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Calls {
    pub made: usize,
    pub cached: usize,
    pub failed: usize,
    pub tokens_in: i64,
    pub tokens_out: i64,
    pub cost: Option<f64>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Problem {
    pub id: Uuid,
    pub task_type: String,
    pub target: Option<String>,
    pub is_final: bool,
    pub message: String,
}

const PROBLEMS: usize = 20;

impl Report {
    pub(super) fn note(&mut self, task: &Claimed, end: &End) {
        self.tasks.note(end);
        self.by_type.entry(task.task_type.clone()).or_default().note(end);
        match end {
            End::Completed(recorded) => {
                self.written += recorded.written;
                self.kept += recorded.kept.len();
            }
            End::Failed { outcome, message } if self.problems.len() < PROBLEMS => {
                self.problems.push(Problem {
                    id: task.id,
                    task_type: task.task_type.clone(),
                    target: task.target.clone(),
                    is_final: *outcome == Failed::Finally,
                    message: message.clone(),
                });
            }
            _ => {}
        }
    }

    /// Calls of a task whose end was recorded.
    pub(super) fn count(&mut self, calls: &[Call]) {
        // Nobody is called for the built-in embeddings, or where nobody may be.
        let is_call = |call: &&Call| call.provider != BUILT_IN && call.provider != NOBODY;
        for call in calls.iter().filter(is_call) {
            let sum = &mut self.calls;
            *(if call.is_cached { &mut sum.cached } else { &mut sum.made }) += 1;
            sum.failed += usize::from(call.error.is_some());
            sum.tokens_in += i64::from(call.tokens_in.unwrap_or(0));
            sum.tokens_out += i64::from(call.tokens_out.unwrap_or(0));
            if let Some(cost) = call.cost {
                sum.cost = Some(sum.cost.unwrap_or(0.0) + cost);
            }
        }
    }

    /// The same run has gone on: what is left is left of both.
    pub fn add(&mut self, more: Self) {
        self.tasks.add(more.tasks);
        self.rescued += more.rescued;
        self.written += more.written;
        self.kept += more.kept;
        self.calls.add(more.calls);
        for (kind, tally) in more.by_type {
            self.by_type.entry(kind).or_default().add(tally);
        }
        let room = PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(more.problems.into_iter().take(room));
        (self.due, self.later) = (more.due, more.later);
        self.seconds += more.seconds;
    }

    pub(super) fn took(&mut self, duration: Duration) {
        self.seconds = duration.as_secs_f64();
    }
}

impl Calls {
    fn add(&mut self, more: Self) {
        self.made += more.made;
        self.cached += more.cached;
        self.failed += more.failed;
        self.tokens_in += more.tokens_in;
        self.tokens_out += more.tokens_out;
        self.cost = match (self.cost, more.cost) {
            (Some(cost), Some(more)) => Some(cost + more),
            (cost, more) => cost.or(more),
        };
    }
}

impl Tally {
    fn note(&mut self, end: &End) {
        *match end {
            End::Completed(_) => &mut self.completed,
            End::Failed { outcome: Failed::Finally, .. } => &mut self.failed,
            End::Failed { outcome: Failed::Again(_), .. } => &mut self.retried,
            End::Failed { outcome: Failed::PutBack(_), .. } | End::PutBack => &mut self.put_back,
            End::Failed { outcome: Failed::Lost, .. } | End::Lost => &mut self.lost,
        } += 1;
    }

    fn add(&mut self, more: Self) {
        self.completed += more.completed;
        self.failed += more.failed;
        self.retried += more.retried;
        self.put_back += more.put_back;
        self.lost += more.lost;
    }

    /// How many tasks came to some end.
    pub fn all(&self) -> usize {
        self.completed + self.failed + self.retried + self.put_back + self.lost
    }
}
