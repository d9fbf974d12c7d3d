//! What is known of one provider: its quotas, its failures, and until when it is left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::choice::Obstacle;
use super::window::{DAY, MINUTE, Window};
use super::words;
use crate::config::Provider;
use crate::enrich::provider::{Kind, Trouble};

/// Failures in a row that open the circuit.
pub const FAILURES: u32 = 3;
/// After a failure that opens nothing.
pub const SOON: Duration = Duration::from_secs(5);

/// What other processes do not know yet.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unsaved {
    pub requests: u32,
    pub failures: u32,
    /// A success has ended a row of failures, those of others too.
    pub is_well: bool,
    /// The block has changed.
    pub block: bool,
}

impl Unsaved {
    pub fn is_empty(&self) -> bool {
        self.requests == 0 && self.failures == 0 && !self.is_well && !self.block
    }
}

#[derive(Debug, Clone)]
pub struct Block {
    pub until: Duration,
    pub why: String,
}

#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    pub left: u64,
    pub of: Option<u64>,
    pub until: Duration,
}

#[derive(Debug, Default)]
pub struct State {
    pub minute: Window,
    pub day: Window,
    pub failures: u32,
    pub block: Option<Block>,
    pub unsaved: Unsaved,
    pub tokens: Option<Tokens>,
    /// "Too many requests" in a row.
    pub limited: u32,
    /// One request finds out whether it works again.
    pub trial: bool,
    /// Not for the rest of this run.
    pub off: Option<String>,
    pub no_models: BTreeMap<String, String>,
}

impl State {
    /// Whether it may be asked now.
    pub fn may(
        &self,
        provider: &Provider,
        model: &str,
        tokens: u64,
        now: Duration,
    ) -> Result<(), Obstacle> {
        let name = &provider.name;
        if let Some(why) = self.off.as_ref().or_else(|| self.no_models.get(model)) {
            return Err(Obstacle::lasting(name, why));
        }
        if let Some((wait, why)) = self.blocked(now) {
            let why = format!("{why} {}", words::until(wait));
            return Err(Obstacle::passing(name, why, wait).down(self.is_down()));
        }
        if self.trial {
            return Err(Obstacle::passing(name, "is being tried again", SOON).down(true));
        }
        let used_up = [
            (self.day.used_up(provider.requests_per_day, DAY, now), "requests left today"),
            (
                self.minute.used_up(provider.requests_per_minute, MINUTE, now),
                "requests left this minute",
            ),
            (self.without_tokens(tokens, now), "tokens left this minute"),
        ];
        for (wait, what) in used_up {
            if let Some(wait) = wait {
                let why = format!("has no {what} {}", words::until(wait));
                return Err(Obstacle::passing(name, why, wait));
            }
        }
        Ok(())
    }

    /// Whether it has failed so often that its circuit is open.
    pub fn is_down(&self) -> bool {
        self.failures >= FAILURES
    }

    /// Whether nobody knows when it is well again, after this: it said nothing of a time.
    pub fn is_down_after(&self, trouble: &Trouble) -> bool {
        match trouble.kind {
            Kind::RateLimit | Kind::BadAnswer | Kind::Rejected => false,
            _ => trouble.after.is_none() || self.is_down(),
        }
    }

    pub fn blocked(&self, now: Duration) -> Option<(Duration, &str)> {
        let block = self.block.as_ref()?;
        let wait = block.until.checked_sub(now).filter(|wait| !wait.is_zero())?;
        Some((wait, &block.why))
    }

    /// How long there are too few tokens; who has never so many, is asked all the same.
    fn without_tokens(&self, tokens: u64, now: Duration) -> Option<Duration> {
        let known = self.tokens.as_ref()?;
        let enough = tokens.max(1) <= known.left || known.of.is_some_and(|of| tokens > of);
        known.until.checked_sub(now).filter(|wait| !enough && !wait.is_zero())
    }

    /// A request is sent: whether it is the one that finds out.
    pub fn begin(&mut self, now: Duration) -> bool {
        self.minute.add(MINUTE, now);
        self.day.add(DAY, now);
        self.unsaved.requests = self.unsaved.requests.saturating_add(1);
        self.trial = self.is_down();
        self.trial
    }

    /// The one that finds out has come to an end.
    pub fn release(&mut self) {
        self.trial = false;
    }
}
