//! What is known of one provider: its quotas, its failures, and until when it is left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::choice::Obstacle;
use super::words;
use crate::config::{Provider, ProviderKind};
use crate::enrich::provider::{Kind, Left, Limits, Trouble};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);
/// Failures in a row that open the circuit.
const FAILURES: u32 = 3;
/// How long it is open at first, and at most.
const OPEN: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(10);
/// The pause after "too many requests" that names none.
const PAUSE: Duration = Duration::from_secs(20);
/// After a failure that opens nothing.
const SOON: Duration = Duration::from_secs(5);

/// Requests since a moment of the router's clock, negative if it lies before the clock's start.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    pub requests: u32,
    /// How long it had been open when the clock stood at `at`.
    pub age: Duration,
    pub at: Duration,
}

impl Window {
    fn left(&self, length: Duration, now: Duration) -> Option<Duration> {
        let age = self.age + now.saturating_sub(self.at);
        length.checked_sub(age).filter(|left| !left.is_zero())
    }

    fn add(&mut self, length: Duration, now: Duration) {
        if self.requests == 0 || self.left(length, now).is_none() {
            *self = Self { requests: 0, age: Duration::ZERO, at: now };
        }
        self.requests = self.requests.saturating_add(1);
    }

    /// How long there is nothing left, if there is a limit that is used up.
    fn used_up(&self, limit: Option<u32>, length: Duration, now: Duration) -> Option<Duration> {
        if self.requests < limit? { None } else { self.left(length, now) }
    }
}

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
struct Tokens {
    left: u64,
    of: Option<u64>,
    until: Duration,
}

#[derive(Debug, Default)]
pub struct State {
    pub minute: Window,
    pub day: Window,
    pub failures: u32,
    pub block: Option<Block>,
    pub unsaved: Unsaved,
    tokens: Option<Tokens>,
    /// "Too many requests" in a row.
    limited: u32,
    /// One request finds out whether it works again.
    trial: bool,
    /// Not for the rest of this run.
    off: Option<String>,
    no_models: BTreeMap<String, String>,
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
            return Err(Obstacle::passing(name, format!("{why} {}", words::until(wait)), wait));
        }
        if self.trial {
            return Err(Obstacle::passing(name, "is being tried again", SOON));
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

    fn blocked(&self, now: Duration) -> Option<(Duration, &str)> {
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

    /// A request is sent.
    pub fn begin(&mut self, now: Duration) {
        self.minute.add(MINUTE, now);
        self.day.add(DAY, now);
        self.unsaved.requests = self.unsaved.requests.saturating_add(1);
        self.trial = self.failures >= FAILURES;
    }

    /// A request was given up.
    pub fn release(&mut self) {
        self.trial = false;
    }

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
        self.trial = false;
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
