//! Whom to ask: sensitivity, capability, what is left of quotas, then the order of the list. Who
//! fails is left alone for a while, and the next one is asked.

mod choice;
mod question;
mod round;
mod state;
mod store;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use self::choice::Obstacle;
pub use self::question::{
    Answered, Choice, Embedded, Job, Need, Question, Refused, Work, prompt_hash,
};
use self::round::{Done, Round};
use self::state::State;
use super::embedding::{Purpose, lexical};
use super::provider::{Asked, Http, Outcome};
use super::{Call, FailureKind};
use crate::config::{Enrich, Provider};
use crate::error::Result;

/// The name under which the built-in embedding is known where providers are named.
pub const BUILT_IN: &str = "built-in";

/// Tells the time that has passed since some moment.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Knows the providers, and what became of asking them so far.
pub struct Router {
    providers: Vec<Provider>,
    http: Http,
    clock: Clock,
    states: Mutex<Vec<State>>,
    saved: Mutex<Option<Duration>>,
}

impl Router {
    /// Asks nobody yet.
    pub fn new(settings: &Enrich) -> Result<Self> {
        let begun = Instant::now();
        Self::with_clock(settings, Arc::new(move || begun.elapsed()))
    }

    /// The same with another clock, so that a test need not wait.
    pub fn with_clock(settings: &Enrich, clock: Clock) -> Result<Self> {
        let providers = settings.providers.clone();
        let states = Mutex::new(providers.iter().map(|_| State::default()).collect());
        Ok(Self { providers, http: Http::default(), clock, states, saved: Mutex::new(None) })
    }

    /// Asks for a value that fits the question's schema.
    pub async fn chat(&self, question: &Question, deadline: Instant) -> Result<Answered, Refused> {
        let job = Job::Chat(question);
        let round = self.ask(&job, &question.need, deadline).await?;
        match round.done {
            Some(Done::Chat(spoken)) => Ok(Answered {
                value: spoken.value,
                text: spoken.text,
                provider: round.provider,
                model: round.model,
                calls: round.calls,
            }),
            _ => Err(Refused::new(FailureKind::Retry, "no answer came", round.calls)),
        }
    }

    /// Makes embeddings, one for each text. The built-in one makes them only where no provider is
    /// configured to: others' embeddings cannot be compared with them.
    pub async fn embed(
        &self,
        texts: &[String],
        purpose: Purpose,
        need: &Need,
        deadline: Instant,
    ) -> Result<Embedded, Refused> {
        if texts.iter().any(|text| text.trim().is_empty()) {
            let message = "an empty text has no embedding";
            return Err(Refused::new(FailureKind::Final, message, Vec::new()));
        }
        if self.is_built_in(need) {
            return built_in(texts, need);
        }
        if texts.is_empty() {
            return Ok(Embedded::default());
        }
        let job = Job::Embed(texts, purpose);
        let round = self.ask(&job, need, deadline).await?;
        match round.done {
            Some(Done::Embed(made)) => Ok(Embedded {
                vectors: made.vectors,
                model: round.model,
                provider: round.provider,
                calls: round.calls,
            }),
            _ => Err(Refused::new(FailureKind::Retry, "no embeddings came", round.calls)),
        }
    }

    /// Who would be asked, in this order, and why or why not. Nothing is sent.
    pub fn plan(&self, work: Work, need: &Need) -> Vec<Choice> {
        if work == Work::Embedding && self.is_built_in(need) {
            let (provider, model) = (BUILT_IN.to_owned(), lexical::MODEL.to_owned());
            return vec![Choice {
                provider,
                model,
                able: true,
                reason: words::BUILT_IN.to_owned(),
            }];
        }
        let now = (self.clock)();
        let states = self.states();
        let mut before = Vec::new();
        let judged = self.providers.iter().zip(states.iter()).enumerate();
        judged
            .map(|(index, (provider, state))| {
                let model = choice::model(provider, work, need).unwrap_or_default().to_owned();
                let judged = choice::judge(provider, state, work, need, 0, now);
                let (able, reason) = match judged {
                    Ok(()) => (true, words::reason(index, need, &before)),
                    Err(obstacle) => (false, obstacle.why),
                };
                if !able {
                    before.push(reason.clone());
                }
                Choice { provider: provider.name.clone(), model, able, reason }
            })
            .collect()
    }

    fn is_built_in(&self, need: &Need) -> bool {
        let named = need.provider.as_deref() == Some(BUILT_IN)
            || need.model.as_deref() == Some(lexical::MODEL);
        let any = self.providers.iter().any(|provider| provider.embedding_model.is_some());
        named || (!any && need.provider.is_none() && need.model.is_none())
    }

    async fn ask(&self, job: &Job<'_>, need: &Need, deadline: Instant) -> Result<Round, Refused> {
        let mut round = Round::default();
        for (index, provider) in self.providers.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(round.out_of_time());
            }
            let turn = match self.take(index, job, need) {
                Ok(turn) => turn,
                Err(obstacle) => {
                    round.pass_over(obstacle);
                    continue;
                }
            };
            let reason = words::reason(index, need, &round.obstacles);
            let model = choice::model(provider, job.work(), need).unwrap_or_default();
            let limit = provider.timeout.min(left);
            let asked = Asked { http: &self.http, provider, model, limit };
            let (outcome, took) = send(&asked, job).await;
            let cut = limit < provider.timeout;
            let wait = turn.settle(&outcome, cut);
            if round.takes(&asked, job, outcome, wait, cut, (reason, took)) {
                break;
            }
        }
        round.end(need)
    }

    /// The right to send one request, which counts from here on.
    fn take(&self, index: usize, job: &Job<'_>, need: &Need) -> Result<Turn<'_>, Obstacle> {
        let now = (self.clock)();
        let (provider, mut states) = (&self.providers[index], self.states());
        let Some(state) = states.get_mut(index) else {
            return Err(Obstacle::lasting(&provider.name, "is not known"));
        };
        choice::judge(provider, state, job.work(), need, job.tokens(), now)?;
        state.begin(now);
        let model = choice::model(provider, job.work(), need).unwrap_or_default().to_owned();
        Ok(Turn { router: self, index, model, settled: false })
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, index: usize, change: impl FnOnce(&mut State, Duration) -> T) -> Option<T> {
        let now = (self.clock)();
        self.states().get_mut(index).map(|state| change(state, now))
    }
}

/// One request that is under way. Where it is given up, nothing is learned of the provider.
struct Turn<'a> {
    router: &'a Router,
    index: usize,
    model: String,
    settled: bool,
}

impl Turn<'_> {
    /// Notes what came of it; how long the provider is to be left alone now, if it can be asked
    /// again at all.
    fn settle<T>(mut self, outcome: &Outcome<T>, cut: bool) -> Option<Duration> {
        self.settled = true;
        let provider = &self.router.providers[self.index];
        let (limits, result) = (outcome.limits, outcome.result.as_ref().map(drop));
        let noted = self.router.change(self.index, |state, now| {
            state.settle(provider, &self.model, result, cut, limits, now)
        });
        noted.flatten()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.router.change(self.index, |state, _| state.release());
        }
    }
}

async fn send(asked: &Asked<'_>, job: &Job<'_>) -> (Outcome<Done>, Duration) {
    let begun = Instant::now();
    let outcome = match job {
        Job::Chat(question) => {
            let Outcome { result, limits } = asked.chat(question).await;
            Outcome { result: result.map(Done::Chat), limits }
        }
        Job::Embed(texts, purpose) => {
            let Outcome { result, limits } = asked.embed(texts, *purpose).await;
            Outcome { result: result.map(Done::Embed), limits }
        }
    };
    (outcome, begun.elapsed())
}

fn built_in(texts: &[String], need: &Need) -> Result<Embedded, Refused> {
    let begun = Instant::now();
    let vectors: Option<Vec<_>> = texts.iter().map(|text| lexical::embed(text)).collect();
    let Some(vectors) = vectors else {
        let message = "a text without a letter or a digit has no lexical embedding";
        return Err(Refused::new(FailureKind::Final, message, Vec::new()));
    };
    let reason = if need.provider.is_some() || need.model.is_some() {
        words::ONLY.to_owned()
    } else {
        words::BUILT_IN.to_owned()
    };
    let call = Call {
        provider: BUILT_IN.to_owned(),
        model: lexical::MODEL.to_owned(),
        input: question::counted(texts),
        output: json!({"vectors": vectors.len(), "dimensions": lexical::DIMENSIONS}),
        latency: begun.elapsed(),
        reason,
        ..Call::default()
    };
    words::log(&call);
    let (model, provider) = (call.model.clone(), call.provider.clone());
    Ok(Embedded { vectors, model, provider, calls: vec![call] })
}
