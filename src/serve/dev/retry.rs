//! When to try again what failed: soon at first, and less and less often.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub struct Retry {
    first: Duration,
    most: Duration,
    pause: Duration,
    at: Option<Instant>,
}

impl Retry {
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, pause: first, at: None }
    }

    /// It failed: again after a while.
    pub fn failed(&mut self) {
        self.at = Some(Instant::now() + self.pause);
        self.pause = self.most.min(self.pause * 2);
    }

    /// It is well, or nobody wants it any more.
    pub fn well(&mut self) {
        (self.pause, self.at) = (self.first, None);
    }

    /// When it is due next.
    pub fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Whether it is due now; it is then being tried.
    pub fn take(&mut self) -> bool {
        self.at.take_if(|at| *at <= Instant::now()).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_up_to_its_bound_and_begins_anew() {
        let (first, most) = (Duration::from_millis(1), Duration::from_millis(3));
        let mut retry = Retry::new(first, most);
        assert!(!retry.take());
        retry.failed();
        assert_eq!(retry.pause, first * 2);
        retry.failed();
        retry.failed();
        assert_eq!(retry.pause, most);
        retry.at = Some(Instant::now());
        assert!(retry.take() && !retry.take());
        retry.failed();
        retry.well();
        assert_eq!((retry.pause, retry.at), (first, None));
    }
}
