//! What was said of a question that nobody answers. The next ten thousand get no other answer, and
//! ten thousand lines and rows that say the same say less than one.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::call::nobody;
use super::question::{Need, Refused, Work};
use crate::enrich::FailureKind;

/// It is not said again before this.
const AGAIN: Duration = Duration::from_mins(1);

#[derive(Default)]
pub struct Told(Mutex<Vec<Line>>);

struct Line {
    work: Work,
    need: Need,
    /// Whether it was one of nobody to ask, which the log of calls has a row for.
    is_nobody: bool,
    until: Duration,
}

impl Told {
    /// Says it, unless it was said. What is the question's own is said of each.
    pub fn tell(&self, refused: &mut Refused, work: Work, need: &Need, now: Duration) {
        let is_nobody = refused.calls.is_empty();
        let wait = match refused.kind {
            FailureKind::Retry | FailureKind::Final => Duration::ZERO,
            FailureKind::Unavailable(wait)
            | FailureKind::Down(wait)
            | FailureKind::Faulty(wait) => wait.max(AGAIN),
        };
        let is_new = |is_nobody| {
            let line = Line { work, need: need.clone(), is_nobody, until: now + wait };
            wait.is_zero() || self.note(line, now)
        };
        if is_nobody && is_new(true) {
            refused.calls.push(nobody(&refused.message));
        }
        if is_new(false) {
            tracing::warn!("{}", refused.message);
        } else {
            tracing::debug!("{}", refused.message);
        }
    }

    /// Whether there is no such line yet.
    fn note(&self, line: Line, now: Duration) -> bool {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| line.until > now);
        let is_there = lines.iter().any(|other| {
            (other.work, other.is_nobody, &other.need) == (line.work, line.is_nobody, &line.need)
        });
        if !is_there {
            lines.push(line);
        }
        !is_there
    }
}
