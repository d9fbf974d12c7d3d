//! When a deployment is due: a quiet period after the last change, a longest wait after the first,
//! a budget for 24 hours, and patience with a hook that fails. Times are milliseconds since 1970.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::state::State;
use crate::config::Hook;

pub const DAY: i64 = 24 * 60 * 60 * 1000;

/// After a failure; doubled each time.
const FIRST_RETRY: i64 = 5_000;
const LONGEST_RETRY: i64 = 10 * 60 * 1000;
/// Where each attempt may have become a deployment.
const LONGEST_UNCLEAR: i64 = 60 * 60 * 1000;

#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub quiet: i64,
    pub max_wait: i64,
    pub per_day: usize,
}

impl Rule {
    pub fn of(hook: &Hook) -> Self {
        let milliseconds = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
        Self {
            quiet: milliseconds(hook.quiet),
            max_wait: milliseconds(hook.max_wait),
            per_day: usize::try_from(hook.per_day).unwrap_or(usize::MAX),
        }
    }

    /// When the pending changes are to be deployed, if there are any; `None` also where no day has
    /// room for a deployment.
    pub fn due(&self, state: &State) -> Option<i64> {
        let pending = state.pending.as_ref()?;
        let quiet = pending.last.saturating_add(self.quiet);
        let mut due = quiet.min(pending.first.saturating_add(self.max_wait));
        if let Some(last) = state.last_attempt {
            due = due.max(last.saturating_add(self.spacing(state)));
        }
        let spent = &state.spent;
        if spent.len() >= self.per_day {
            // Once so many have left the day that one more fits in.
            let leaving = spent.get(spent.len() - self.per_day)?;
            due = due.max(leaving.saturating_add(DAY));
        }
        Some(due)
    }

    /// How long after the last attempt the next one may come: after its beginning, or after its end
    /// where nobody knows what became of it.
    fn spacing(&self, state: &State) -> i64 {
        match state.failures {
            0 => self.quiet,
            // Nobody knows what became of it: it may have worked.
            failures if state.is_unclear => self.quiet.max(retry(failures, LONGEST_UNCLEAR)),
            failures => retry(failures, LONGEST_RETRY),
        }
    }
}

fn retry(failures: u32, longest: i64) -> i64 {
    let doubled = FIRST_RETRY.saturating_mul(1 << failures.saturating_sub(1).min(20));
    doubled.min(longest)
}
