//! The right to send one request to one provider, and what is learned from it.

use std::time::{Duration, Instant};

use tracing::Instrument as _;

use super::Router;
use super::choice::{self, Obstacle};
use super::question::{Job, Need};
use super::round::Done;
use super::trace;
use crate::enrich::provider::{Asked, Outcome};

/// One request that is under way. Where it is given up, nothing is learned of the provider.
pub struct Turn<'a> {
    router: &'a Router,
    index: usize,
    model: String,
    is_trial: bool,
}

impl<'a> Turn<'a> {
    /// The right to send one request, which counts from here on.
    pub fn take(
        router: &'a Router,
        index: usize,
        job: &Job<'_>,
        need: &Need,
    ) -> Result<Self, Obstacle> {
        let now = (router.clock)();
        let (provider, mut states) = (&router.providers[index], router.states());
        let Some(state) = states.get_mut(index) else {
            return Err(Obstacle::lasting(&provider.name, "is not known"));
        };
        choice::judge(provider, state, job.work(), need, job.tokens(), now)?;
        let is_trial = state.begin(now);
        let model = choice::model(provider, job.work(), need).unwrap_or_default().to_owned();
        Ok(Self { router, index, model, is_trial })
    }

    /// Notes what came of it; how long the provider is to be left alone now, if it can be asked
    /// again at all, and whether nobody knows if it is well then.
    pub fn settle<T>(self, outcome: &Outcome<T>, cut: bool) -> (Option<Duration>, bool) {
        let provider = &self.router.providers[self.index];
        let (limits, result) = (outcome.limits, outcome.result.as_ref().map(drop));
        let noted = self.router.change(self.index, |state, now| {
            let wait = state.settle(provider, &self.model, result, cut, limits, now);
            (wait, result.is_err_and(|trouble| state.is_down_after(trouble)))
        });
        noted.unwrap_or_default()
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.router.change(self.index, |state, _| state.release());
        }
    }
}

pub async fn send(asked: &Asked<'_>, job: &Job<'_>) -> (Outcome<Done>, Duration) {
    let begun = Instant::now();
    let span = trace::span(asked, job);
    let outcome = sent(asked, job).instrument(span.clone()).await;
    trace::end(&span, &outcome.result);
    (outcome, begun.elapsed())
}

async fn sent(asked: &Asked<'_>, job: &Job<'_>) -> Outcome<Done> {
    match job {
        Job::Chat(question) => {
            let Outcome { result, limits } = asked.chat(question).await;
            Outcome { result: result.map(Done::Chat), limits }
        }
        Job::Embed(texts, purpose) => {
            let Outcome { result, limits } = asked.embed(texts, *purpose).await;
            Outcome { result: result.map(Done::Embed), limits }
        }
    }
}
