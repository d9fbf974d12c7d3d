//! Vectors of texts that are too long for a model, and models whose vectors are.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::Asker;
use crate::enrich::embedding::Purpose;
use crate::enrich::memory::DIMENSIONS;
use crate::enrich::router::{Embedded, Need, Refused};
use crate::enrich::{Call, FailureKind};

/// Characters that a text is not cut below.
const SHORTEST: usize = 1_000;
/// What servers say of a text that is longer than they take.
const COMPLAINTS: [&str; 5] = [
    "too large to process",
    "maximum context length",
    "context_length_exceeded",
    "too many tokens",
    "must have less than",
];

/// Models whose vectors have more numbers than can be kept, and how many: nothing is asked of them.
#[derive(Default)]
pub struct TooWide(Mutex<BTreeMap<String, usize>>);

impl TooWide {
    fn of(&self, model: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(model).map(|numbers| said(model, *numbers))
    }

    /// What is wrong with such a vector, said aloud the first time.
    fn note(&self, made: &Embedded) -> Option<String> {
        let numbers = made.vectors.first().map_or(0, Vec::len);
        if numbers <= DIMENSIONS {
            return None;
        }
        let why = said(&made.model, numbers);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.insert(made.model.clone(), numbers).is_none() {
            tracing::warn!("{why}");
        }
        Some(why)
    }
}

fn said(model: &str, numbers: usize) -> String {
    format!(
        "vectors of {model} have {numbers} numbers, and {DIMENSIONS} is the most that can be kept: name another embedding_model"
    )
}

impl Asker {
    /// The vector of a text, or of its first half where it is too long, and so on.
    pub(super) async fn embedded(
        &self,
        text: &str,
        purpose: Purpose,
        need: &Need,
        deadline: Instant,
    ) -> Result<Embedded, Refused> {
        if let Some(why) = need.model.as_deref().and_then(|model| self.too_wide.of(model)) {
            return Err(Refused::new(FailureKind::Final, why, Vec::new()));
        }
        let (mut text, mut calls) = (text.to_owned(), Vec::new());
        loop {
            let texts = [text];
            match self.router.embed(&texts, purpose, need, deadline).await {
                Ok(made) => {
                    calls.extend(made.calls.clone());
                    return match self.too_wide.note(&made) {
                        Some(why) => Err(Refused::new(FailureKind::Final, why, calls)),
                        None => Ok(Embedded { calls, ..made }),
                    };
                }
                Err(refused) => {
                    let shorter = is_too_long(&refused).then(|| half(&texts[0])).flatten();
                    calls.extend(refused.calls);
                    let Some(shorter) = shorter else {
                        return Err(Refused { calls, ..refused });
                    };
                    text = shorter;
                }
            }
        }
    }
}

fn is_too_long(refused: &Refused) -> bool {
    let complains = |call: &Call| {
        let error = call.error.as_ref();
        let message = error.and_then(|error| error["message"].as_str()).unwrap_or_default();
        let is_413 = error.is_some_and(|error| error["status"] == 413);
        is_413 || COMPLAINTS.iter().any(|words| message.contains(words))
    };
    refused.kind == FailureKind::Final && refused.calls.last().is_some_and(complains)
}

fn half(text: &str) -> Option<String> {
    let count = text.chars().count();
    (count > SHORTEST).then(|| text.chars().take(SHORTEST.max(count / 2)).collect())
}
