//! Whom to ask: sensitivity, capability, what is left of quotas, then the order of the list. Who
//! fails is left alone for a while, and the next one is asked.

mod built_in;
mod call;
mod choice;
mod question;
mod round;
mod row;
mod state;
mod store;
mod told;
mod trace;
mod turn;
mod verdict;
mod window;
mod words;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::built_in::NAME as BUILT_IN;
pub use self::call::NOBODY;
pub use self::question::{
    Answered, Choice, Embedded, Job, Need, Question, Refused, Work, prompt_hash,
};
pub use self::round::IDLE;
use self::round::{Done, Round};
pub use self::state::SOON;
use self::state::State;
use self::told::Told;
use self::turn::Turn;
use super::FailureKind;
use super::embedding::{Purpose, lexical};
use super::provider::{Asked, Http};
use crate::config::{Enrich, Provider};
use crate::error::Result;

/// Tells the time that has passed since some moment.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// Knows the providers, and what became of asking them so far.
pub struct Router {
    providers: Vec<Provider>,
    http: Http,
    clock: Clock,
    states: Mutex<Vec<State>>,
    saved: Mutex<Option<Duration>>,
    told: Told,
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
        let (http, saved, told) = (Http::default(), Mutex::new(None), Told::default());
        Ok(Self { providers, http, clock, states, saved, told })
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
        if built_in::is_meant(&self.providers, need) {
            return built_in::embed(texts, need);
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

    /// Who may be asked at all, with the model: in the order of the list, whoever is well or not.
    pub fn permitted<'a>(&'a self, work: Work, need: &'a Need) -> Vec<(&'a str, &'a str)> {
        let permitted = self.providers.iter().filter_map(|provider| {
            choice::permit(provider, work, need).ok()?;
            Some((provider.name.as_str(), choice::model(provider, work, need)?))
        });
        permitted.collect()
    }

    /// The model that makes embeddings of such texts, as long as the configuration and the keys
    /// are the same: vectors of another one could not be compared. Nothing where nobody may.
    pub fn embedding_model(&self, need: &Need) -> Option<String> {
        if built_in::is_meant(&self.providers, need) {
            return Some(lexical::MODEL.to_owned());
        }
        let permitted =
            |provider: &&Provider| choice::permit(provider, Work::Embedding, need).is_ok();
        let has_key = |provider: &&Provider| choice::lacks_key(provider).is_none();
        let first = self.providers.iter().filter(permitted).find(has_key);
        let first = first.or_else(|| self.providers.iter().find(permitted))?;
        choice::model(first, Work::Embedding, need).map(str::to_owned)
    }

    /// Whether somebody would be asked now.
    pub fn has_anybody(&self, work: Work, need: &Need) -> bool {
        self.plan(work, need).iter().any(|choice| choice.able)
    }

    /// Who would be asked, in this order, and why or why not. Nothing is sent.
    pub fn plan(&self, work: Work, need: &Need) -> Vec<Choice> {
        if work == Work::Embedding && built_in::is_meant(&self.providers, need) {
            return vec![built_in::choice(need)];
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

    async fn ask(&self, job: &Job<'_>, need: &Need, deadline: Instant) -> Result<Round, Refused> {
        let mut round = Round::default();
        for (index, provider) in self.providers.iter().enumerate() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(round.out_of_time());
            }
            let turn = match Turn::take(self, index, job, need) {
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
            let (outcome, took) = turn::send(&asked, job).await;
            let cut = limit < provider.timeout;
            let wait = turn.settle(&outcome, cut);
            if round.takes(&asked, job, outcome, wait, cut, (reason, took)) {
                break;
            }
        }
        let mut ended = round.end(need);
        if let Err(refused) = &mut ended {
            self.told.tell(refused, job.work(), need, (self.clock)());
        }
        ended
    }

    fn states(&self) -> MutexGuard<'_, Vec<State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, index: usize, change: impl FnOnce(&mut State, Duration) -> T) -> Option<T> {
        let now = (self.clock)();
        self.states().get_mut(index).map(|state| change(state, now))
    }
}
