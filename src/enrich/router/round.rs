//! One question on its way from provider to provider, and what its end means for the task.

use std::time::Duration;

use serde_json::{Value, json};

use super::choice::Obstacle;
use super::question::{Job, Need, Refused, prompt_hash};
use super::words;
use crate::config::Provider;
use crate::enrich::provider::{Asked, Kind, Outcome, Spoken, Trouble, Used, Vectors};
use crate::enrich::{Call, FailureKind};

/// When to look again whether the configuration has changed.
const IDLE: Duration = Duration::from_mins(15);
/// A new worker has more time.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Bad answers that a question may get before the attempt has failed.
const BAD: u32 = 2;
/// More of a bad answer is not kept.
const KEPT: usize = 4000;

pub enum Done {
    Chat(Spoken),
    Embed(Vectors),
}

#[derive(Default)]
pub struct Round {
    pub done: Option<Done>,
    pub provider: String,
    pub model: String,
    pub calls: Vec<Call>,
    /// Why nobody of those so far has answered.
    pub obstacles: Vec<String>,
    /// Until the first of them may be asked again.
    wait: Option<Duration>,
    bad: u32,
    rejected: bool,
    cut: bool,
}

impl Round {
    pub fn pass_over(&mut self, obstacle: Obstacle) {
        self.obstacles.push(obstacle.why);
        self.again_after(obstacle.wait);
    }

    fn again_after(&mut self, wait: Option<Duration>) {
        self.wait = match (self.wait, wait) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }

    /// Notes what came of asking somebody; whether that is the end of it.
    pub fn takes(
        &mut self,
        asked: &Asked<'_>,
        job: &Job<'_>,
        outcome: Outcome<Done>,
        wait: Option<Duration>,
        cut: bool,
        (reason, latency): (String, Duration),
    ) -> bool {
        let call = Call { reason, latency, ..call(asked, job, &outcome.result) };
        words::log(&call);
        self.calls.push(call);
        match outcome.result {
            Ok(done) => {
                (self.provider, self.model) = (asked.provider.name.clone(), asked.model.to_owned());
                self.done = Some(done);
                true
            }
            Err(trouble) => {
                self.obstacles.push(format!("{} {}", asked.provider.name, trouble.message));
                self.again_after(wait);
                self.bad += u32::from(matches!(trouble.kind, Kind::BadAnswer | Kind::BadReply));
                self.rejected |= trouble.kind == Kind::Rejected;
                self.cut = cut && trouble.kind == Kind::Timeout;
                self.cut || self.bad >= BAD
            }
        }
    }

    pub fn out_of_time(self) -> Refused {
        let mut message = "there was no time left".to_owned();
        if !self.obstacles.is_empty() {
            message = format!("{message}: {}", self.obstacles.join("; "));
        }
        // A bad answer is the task's, however late it came.
        let kind =
            if self.bad > 0 { FailureKind::Retry } else { FailureKind::Unavailable(AT_ONCE) };
        Refused::new(kind, message, self.calls)
    }

    pub fn end(mut self, need: &Need) -> Result<Self, Refused> {
        if self.done.is_some() {
            return Ok(self);
        }
        if self.cut {
            return Err(self.out_of_time());
        }
        let kind = if self.bad > 0 {
            FailureKind::Retry
        } else if let Some(wait) = self.wait {
            FailureKind::Unavailable(wait)
        } else if self.rejected {
            FailureKind::Final
        } else {
            FailureKind::Unavailable(IDLE)
        };
        let message = self.message(need);
        tracing::warn!("{message}");
        if self.calls.is_empty() {
            self.calls.push(nobody(&message));
        }
        Err(Refused::new(kind, message, self.calls))
    }

    fn message(&self, need: &Need) -> String {
        let who = if need.private {
            "no private provider can be asked"
        } else {
            "no provider can be asked"
        };
        let who = if self.calls.is_empty() { who } else { "no provider gave a good answer" };
        if self.obstacles.is_empty() {
            return format!("{who}: there is none in enrich.providers");
        }
        format!("{who}: {}", self.obstacles.join("; "))
    }
}

/// A decision not to ask anybody is one, too.
fn nobody(message: &str) -> Call {
    let error = json!({"kind": "nobody", "message": message});
    let (provider, reason) = ("none".to_owned(), message.to_owned());
    Call { provider, error: Some(error), reason, ..Call::default() }
}

fn call(asked: &Asked<'_>, job: &Job<'_>, result: &Result<Done, Trouble>) -> Call {
    let (output, used, error) = match result {
        Ok(Done::Chat(spoken)) => (spoken.value.clone(), spoken.used, None),
        Ok(Done::Embed(made)) => {
            let dimensions = made.vectors.first().map_or(0, Vec::len);
            let output = json!({"vectors": made.vectors.len(), "dimensions": dimensions});
            (output, made.used, None)
        }
        Err(trouble) => {
            let said = trouble.said.as_deref().map(|said| json!(beginning(said)));
            (said.unwrap_or(Value::Null), trouble.used, Some(trouble.row()))
        }
    };
    let hash = match job {
        Job::Chat(question) => Some(prompt_hash(asked.model, question)),
        Job::Embed(..) => None,
    };
    Call {
        provider: asked.provider.name.clone(),
        model: asked.model.to_owned(),
        prompt_hash: hash,
        input: job.input(),
        output,
        tokens_in: used.tokens_in,
        tokens_out: used.tokens_out,
        cost: cost(asked.provider, used),
        error,
        ..Call::default()
    }
}

fn beginning(text: &str) -> String {
    // A null character cannot be kept in jsonb.
    text.chars().filter(|c| *c != '\0').take(KEPT).collect()
}

fn cost(provider: &Provider, used: Used) -> Option<f64> {
    let of = |tokens: Option<i32>, price: Option<f64>| Some(f64::from(tokens?) * price? / 1e6);
    let (into, out) =
        (of(used.tokens_in, provider.cost_in), of(used.tokens_out, provider.cost_out));
    if into.is_none() && out.is_none() {
        None
    } else {
        Some(into.unwrap_or(0.0) + out.unwrap_or(0.0))
    }
}
