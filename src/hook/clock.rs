//! The receiver's own time: it goes on evenly, whoever sets the machine's clock meanwhile. Where that
//! was set, all that is remembered is moved along, so that nothing waits longer or shorter for it.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Clocks are corrected by less than this all the time, in milliseconds.
const TOLERATED: i64 = 2_000;

pub struct Clock {
    /// A moment, and what the machine's clock said then.
    anchor: Mutex<(Instant, i64)>,
    wall: Box<dyn Fn() -> i64 + Send + Sync>,
}

impl Clock {
    pub fn new() -> Self {
        Self::of(wall)
    }

    pub fn of(wall: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { anchor: Mutex::new((Instant::now(), wall())), wall: Box::new(wall) }
    }

    /// Milliseconds since 1970, as far as is known.
    pub fn now(&self) -> i64 {
        let (then, at) = *self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        at.saturating_add(i64::try_from(then.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// By how many milliseconds the machine's clock was set since; zero where that is next to nothing.
    pub fn off(&self) -> i64 {
        let off = (self.wall)().saturating_sub(self.now());
        if off.saturating_abs() > TOLERATED { off } else { 0 }
    }

    /// Follows the machine's clock.
    pub fn set(&self, by: i64) {
        let mut anchor = self.anchor.lock().unwrap_or_else(PoisonError::into_inner);
        anchor.1 = anchor.1.saturating_add(by);
    }
}

/// What the machine's clock says: milliseconds since 1970.
pub fn wall() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
