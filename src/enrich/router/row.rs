//! One provider's row in the database, and what the router takes from it and gives to it.

use std::time::Duration;

use super::state::{Block, State, Unsaved};
use super::window::Window;

/// Seconds, for all times: how long ago, or how long from now.
pub struct Row {
    pub provider: String,
    day_requests: i32,
    minute_requests: i32,
    failures: i32,
    day_age: f64,
    minute_age: f64,
    blocked_for: Option<f64>,
    blocked_because: Option<String>,
}

/// The columns as they are selected.
pub type Columns = (String, i32, i32, i32, f64, f64, Option<f64>, Option<String>);

impl From<Columns> for Row {
    fn from(columns: Columns) -> Self {
        let (
            provider,
            day_requests,
            minute_requests,
            failures,
            day_age,
            minute_age,
            blocked_for,
            blocked_because,
        ) = columns;
        Self {
            provider,
            day_requests,
            minute_requests,
            failures,
            day_age,
            minute_age,
            blocked_for,
            blocked_because,
        }
    }
}

impl State {
    /// What is to be written, which counts as written from here on; with it, the block.
    pub fn unsaved(&mut self, now: Duration) -> Option<(Unsaved, Option<(f64, String)>)> {
        let unsaved = std::mem::take(&mut self.unsaved);
        let block = self.blocked(now).filter(|_| unsaved.block);
        let block = block.map(|(wait, why)| (wait.as_secs_f64(), why.to_owned()));
        (!unsaved.is_empty()).then_some((unsaved, block))
    }

    /// Takes over what the database knows, and adds what it does not know yet.
    pub fn learn(&mut self, row: &Row, now: Duration) {
        self.day = window(row.day_requests, row.day_age, self.unsaved.requests, now);
        self.minute = window(row.minute_requests, row.minute_age, self.unsaved.requests, now);
        if !self.unsaved.is_well {
            self.failures = count(row.failures).saturating_add(self.unsaved.failures);
        }
        if !self.unsaved.block {
            self.block = row.blocked_for.filter(|seconds| *seconds > 0.0).map(|seconds| Block {
                until: now + seconds_of(seconds),
                why: row.blocked_because.clone().unwrap_or_else(|| "is blocked".to_owned()),
            });
        }
    }
}

impl Unsaved {
    pub fn put_back(&mut self, former: Self) {
        self.requests = self.requests.saturating_add(former.requests);
        // What failed before a success since then is forgotten.
        if !self.is_well {
            self.failures = self.failures.saturating_add(former.failures);
        }
        self.is_well |= former.is_well;
        self.block |= former.block;
    }
}

fn window(requests: i32, age: f64, unsaved: u32, now: Duration) -> Window {
    Window { requests: count(requests).saturating_add(unsaved), age: seconds_of(age), at: now }
}

fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, 1e9)).unwrap_or_default()
}

fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
