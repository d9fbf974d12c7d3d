//! Whether a provider can be asked now: sensitivity, capability, what is left, in this order.

use std::time::Duration;

use super::question::{Need, Work};
use super::state::State;
use crate::config::Provider;

/// Why somebody is not asked.
#[derive(Debug, Clone)]
pub struct Obstacle {
    /// With the provider's name.
    pub why: String,
    /// When it is none any more; nothing where it stays for this run.
    pub wait: Option<Duration>,
    /// Whether the provider has failed too often; otherwise it has a limit that ends by then.
    pub is_down: bool,
}

impl Obstacle {
    pub fn lasting(name: &str, why: impl std::fmt::Display) -> Self {
        Self { why: format!("{name} {why}"), wait: None, is_down: false }
    }

    pub fn passing(name: &str, why: impl std::fmt::Display, wait: Duration) -> Self {
        Self { why: format!("{name} {why}"), wait: Some(wait), is_down: false }
    }

    #[must_use]
    pub fn down(self, is_down: bool) -> Self {
        Self { is_down, ..self }
    }
}

/// The model that would be asked, if the provider does such work at all.
pub fn model<'a>(provider: &'a Provider, work: Work, need: &'a Need) -> Option<&'a str> {
    let own = match work {
        Work::Chat => provider.model.as_deref(),
        Work::Embedding => provider.embedding_model.as_deref(),
    };
    let named = need.model.as_deref();
    match work {
        // Embeddings of two models cannot be compared.
        Work::Embedding if need.provider.is_none() => own,
        _ => named.or(own),
    }
}

/// What speaks against asking it ever, whatever is left: the same in every run.
pub fn permit(provider: &Provider, work: Work, need: &Need) -> Result<(), Obstacle> {
    let name = &provider.name;
    if need.provider.as_ref().is_some_and(|only| only != name) {
        let only = need.provider.as_deref().unwrap_or_default();
        return Err(Obstacle::lasting(name, format!("is not {only}, which alone may be asked")));
    }
    if need.private && !provider.private {
        return Err(Obstacle::lasting(name, "is not private"));
    }
    can(provider, work, need).map_err(|why| Obstacle::lasting(name, why))
}

pub fn judge(
    provider: &Provider,
    state: &State,
    work: Work,
    need: &Need,
    tokens: u64,
    now: Duration,
) -> Result<(), Obstacle> {
    permit(provider, work, need)?;
    if let Some(variable) = lacks_key(provider) {
        let why = format!("has no key: {variable} is not set");
        return Err(Obstacle::lasting(&provider.name, why));
    }
    let model = model(provider, work, need).unwrap_or_default();
    state.may(provider, model, tokens, now)
}

fn can(provider: &Provider, work: Work, need: &Need) -> Result<(), String> {
    let Some(model) = model(provider, work, need) else {
        return Err(match work {
            Work::Chat => "has no model".to_owned(),
            Work::Embedding => "has no embedding_model".to_owned(),
        });
    };
    if let Some(wanted) = need.model.as_deref().filter(|wanted| *wanted != model) {
        return Err(format!("has embeddings of {model}, not of {wanted}"));
    }
    if work == Work::Chat && need.json_schema && !provider.json_schema {
        return Err("has json_schema = false".to_owned());
    }
    if work == Work::Chat && need.code && !provider.code {
        return Err("is not marked code = true".to_owned());
    }
    if work == Work::Chat && need.vision && !provider.vision {
        return Err("is not marked vision = true".to_owned());
    }
    Ok(())
}

/// The variable that is to hold the key, and does not.
pub fn lacks_key(provider: &Provider) -> Option<&str> {
    provider.key_env.as_deref().filter(|_| provider.key.is_none())
}
