//! One question on its way from provider to provider, and what its end means for the task.

use std::time::Duration;

use super::call::call;
use super::choice::Obstacle;
use super::question::{Job, Need, Refused};
use super::words;
use crate::enrich::provider::{Asked, Kind, Outcome, Spoken, Trouble, Vectors};
use crate::enrich::{Call, FailureKind};

/// When to look again whether the configuration has changed.
pub const IDLE: Duration = Duration::from_mins(15);
/// A new worker has more time.
const AT_ONCE: Duration = Duration::from_secs(1);
/// Bad answers that a question may get before the attempt has failed.
const BAD: u32 = 2;

pub enum Done {
    Chat(Spoken),
    Embed(Vectors),
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct Round {
    pub done: Option<Done>,
    pub provider: String,
    pub model: String,
    pub calls: Vec<Call>,
    /// Why nobody of those so far has answered.
    pub obstacles: Vec<String>,
    /// Until the first of them may be asked again.
    wait: Option<Duration>,
    /// Whether one of those is well, and has only reached a limit.
    is_limited: bool,
    bad: u32,
    rejected: bool,
    cut: bool,
    /// Somebody took the question, and did not manage.
    faulty: bool,
}

impl Round {
    pub fn pass_over(&mut self, obstacle: Obstacle) {
        self.obstacles.push(obstacle.why);
        self.again_after(obstacle.wait, obstacle.is_down);
    }

    fn again_after(&mut self, wait: Option<Duration>, is_down: bool) {
        self.is_limited |= wait.is_some() && !is_down;
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
        (wait, is_down): (Option<Duration>, bool),
        cut: bool,
        (reason, latency): (String, Duration),
    ) -> bool {
        let call = Call { latency, reason, ..call(asked, job, &outcome.result) };
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
                self.again_after(wait, is_down);
                self.bad += u32::from(matches!(trouble.kind, Kind::BadAnswer | Kind::BadReply));
                self.rejected |= trouble.kind == Kind::Rejected;
                self.cut = cut && trouble.kind == Kind::Timeout;
                self.faulty |= !self.cut && is_fault(&trouble);
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

    pub fn end(self, need: &Need) -> Result<Self, Refused> {
        if self.done.is_some() {
            return Ok(self);
        }
        if self.cut {
            return Err(self.out_of_time());
        }
        let kind = if self.bad > 0 {
            FailureKind::Retry
        } else if let Some(wait) = self.wait {
            match (self.faulty, self.is_limited) {
                (true, _) => FailureKind::Faulty(wait),
                (false, true) => FailureKind::Unavailable(wait),
                (false, false) => FailureKind::Down(wait),
            }
        } else if self.rejected {
            FailureKind::Final
        } else {
            FailureKind::Down(IDLE)
        };
        let message = self.message(need);
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

/// Whether it may be the question's fault. A server that says it is not there, and a connection
/// that is none, are not.
fn is_fault(trouble: &Trouble) -> bool {
    match trouble.kind {
        Kind::Server => {
            trouble.after.is_none() && !matches!(trouble.status, None | Some(502..=504 | 529))
        }
        Kind::Timeout | Kind::Truncated | Kind::TooLarge => true,
        _ => false,
    }
}
