//! How well the remote store does. Where it fails time and again, it is left alone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::trouble::Trouble;

/// So many failures in a row, and nothing more is asked of it in this build.
const ENOUGH: usize = 3;

pub struct Health {
    address: String,
    in_a_row: AtomicUsize,
    failures: AtomicUsize,
    warned: AtomicBool,
}

impl Health {
    pub fn new(address: String) -> Self {
        Self {
            address,
            in_a_row: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
            warned: AtomicBool::new(false),
        }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    pub fn is_given_up(&self) -> bool {
        self.in_a_row.load(Ordering::Relaxed) >= ENOUGH
    }

    /// A success of what was still under way changes nothing once it is given up.
    pub fn succeeded(&self) {
        let reset = |in_a_row| (in_a_row < ENOUGH).then_some(0);
        let _ = self.in_a_row.fetch_update(Ordering::Relaxed, Ordering::Relaxed, reset);
    }

    pub fn failed(&self, trouble: &Trouble) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.in_a_row.fetch_add(1, Ordering::Relaxed);
        self.warn(trouble);
    }

    /// For a store that is too slow rather than broken.
    pub fn give_up(&self, trouble: &Trouble) {
        self.in_a_row.store(ENOUGH, Ordering::Relaxed);
        self.warn(trouble);
    }

    /// Once in a build: the first trouble is what the others come from.
    fn warn(&self, trouble: &Trouble) {
        let (address, what, help) = (&self.address, &trouble.what, trouble.help);
        if self.warned.swap(true, Ordering::Relaxed) {
            tracing::debug!("trouble with the remote cache {address}: {what}");
        } else {
            tracing::warn!(
                "trouble with the remote cache {address}, which the build can do without: {what}; \
                 {help}"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble() -> Trouble {
        Trouble { what: "it is tired".into(), help: "let it rest" }
    }

    #[test]
    fn only_failures_in_a_row_count() {
        let health = Health::new("s3://bucket".into());
        for _ in 0..5 {
            health.failed(&trouble());
            health.failed(&trouble());
            assert!(!health.is_given_up());
            health.succeeded();
        }
        (0..3).for_each(|_| health.failed(&trouble()));
        assert!(health.is_given_up());
        assert_eq!(health.failures(), 13);
    }

    #[test]
    fn what_is_given_up_stays_so() {
        let health = Health::new("s3://bucket".into());
        health.give_up(&trouble());
        health.succeeded();
        assert!(health.is_given_up());
        assert_eq!(health.failures(), 0);
    }
}
