//! Counting requests by the minute and by the day.

use std::time::Duration;

pub const MINUTE: Duration = Duration::from_mins(1);
pub const DAY: Duration = Duration::from_hours(24);

/// Requests in a span of time, which begins with the first of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    pub requests: u32,
    /// How long it had been open when the clock stood at `at`.
    pub age: Duration,
    pub at: Duration,
}

impl Window {
    pub fn left(&self, length: Duration, now: Duration) -> Option<Duration> {
        let age = self.age + now.saturating_sub(self.at);
        length.checked_sub(age).filter(|left| !left.is_zero())
    }

    pub fn add(&mut self, length: Duration, now: Duration) {
        if self.requests == 0 || self.left(length, now).is_none() {
            *self = Self { requests: 0, age: Duration::ZERO, at: now };
        }
        self.requests = self.requests.saturating_add(1);
    }

    /// How long there is nothing left, if there is a limit that is used up.
    pub fn used_up(&self, limit: Option<u32>, length: Duration, now: Duration) -> Option<Duration> {
        if self.requests < limit? { None } else { self.left(length, now) }
    }
}
