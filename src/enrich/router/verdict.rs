//! What a request that has come to its end says of its provider: well, failing, or to be left alone.

use std::time::Duration;

use super::state::{Block, FAILURES, SOON, State, Tokens};
use crate::config::{Provider, ProviderKind};
use crate::enrich::provider::{Kind, Left, Limits, Trouble};

/// How long it is open at first, and at most.
const OPEN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(10);
/// The pause after "too many requests" that names none.
const PAUSE: Duration = Duration::from_secs(20);

impl State {
    /// A request has come to its end. How long to leave the provider alone, unless for this run.
    pub fn settle(
        &mut self,
        provider: &Provider,
        model: &str,
        result: Result<(), &Trouble>,
        cut: bool,
        limits: Limits,
        now: Duration,
    ) -> Option<Duration> {
        let lasting = self.note(model, result, cut, now);
        self.limit(provider, limits, now);
        if lasting {
            return None;
        }
        Some(self.blocked(now).map_or(SOON, |(wait, _)| wait))
    }

    /// Whether it is over for this run.
    fn note(
        &mut self,
        model: &str,
        result: Result<(), &Trouble>,
        cut: bool,
        now: Duration,
    ) -> bool {
        let Err(trouble) = result else {
            self.works();
            return false;
        };
        match trouble.kind {
            Kind::Key => self.off = Some(trouble.message.clone()),
            Kind::NoModel => {
                self.no_models.insert(model.to_owned(), trouble.message.clone());
            }
            // It works: this request was not for it, or its model did not do well.
            Kind::Rejected => {
                self.works();
                return true;
            }
            Kind::BadAnswer => self.works(),
            Kind::RateLimit => {
                let wait = trouble.after.unwrap_or_else(|| doubled(PAUSE, self.limited));
                self.limited = self.limited.saturating_add(1);
                self.leave(&trouble.message, wait, now);
            }
            // There was less time than it is given otherwise.
            Kind::Timeout if cut => {}
            _ => self.fails(trouble, now),
        }
        matches!(trouble.kind, Kind::Key | Kind::NoModel)
    }

    /// What another request that was under way learned stays: a block ends when it is over.
    fn works(&mut self) {
        if self.failures > 0 {
            (self.unsaved.failures, self.unsaved.is_well) = (0, true);
        }
        (self.failures, self.limited) = (0, 0);
    }

    fn fails(&mut self, trouble: &Trouble, now: Duration) {
        // It was under way when others failed: that is known.
        if self.blocked(now).is_some() {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.unsaved.failures = self.unsaved.failures.saturating_add(1);
        let open = self.failures.checked_sub(FAILURES).map(|more| doubled(OPEN, more));
        let wait = open.max(trouble.after);
        if let Some(wait) = wait {
            let why = format!("{} (failure {} in a row)", trouble.message, self.failures);
            self.leave(&why, wait, now);
        }
    }

    fn leave(&mut self, why: &str, wait: Duration, now: Duration) {
        let until = now + wait;
        if self.block.as_ref().is_none_or(|block| block.until < until) {
            self.block = Some(Block { until, why: why.to_owned() });
            self.unsaved.block = true;
        }
    }

    fn limit(&mut self, provider: &Provider, limits: Limits, now: Duration) {
        if let Some(Left { left: 0, reset, .. }) = limits.requests {
            let today = if provider.kind == ProviderKind::Groq { " today" } else { "" };
            self.leave(&format!("has no requests left{today}"), reset, now);
        }
        if let Some(Left { left, reset, of }) = limits.tokens {
            self.tokens = Some(Tokens { left, of, until: now + reset });
        }
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(16)).min(LONGEST)
}
