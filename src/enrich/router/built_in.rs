//! The built-in embeddings, as one more provider.

use std::time::Instant;

use serde_json::json;

use super::question::{self, Choice, Embedded, Need, Refused};
use super::words;
use crate::config::Provider;
use crate::enrich::embedding::lexical;
use crate::enrich::{Call, FailureKind};

/// What it is called where providers are named.
pub const NAME: &str = "built-in";

/// Whether it is named, or nobody is configured to make others.
pub fn is_meant(providers: &[Provider], need: &Need) -> bool {
    let named =
        need.provider.as_deref() == Some(NAME) || need.model.as_deref() == Some(lexical::MODEL);
    let any = providers.iter().any(|provider| provider.embedding_model.is_some());
    named || (!any && need.provider.is_none() && need.model.is_none())
}

pub fn choice(need: &Need) -> Choice {
    let (provider, model) = (NAME.to_owned(), lexical::MODEL.to_owned());
    Choice { provider, model, able: true, reason: reason(need).to_owned() }
}

fn reason(need: &Need) -> &'static str {
    let is_named = need.provider.is_some() || need.model.is_some();
    if is_named { words::ONLY } else { "no provider has an embedding_model" }
}

pub fn embed(texts: &[String], need: &Need) -> Result<Embedded, Refused> {
    let begun = Instant::now();
    let vectors: Option<Vec<_>> = texts.iter().map(|text| lexical::embed(text)).collect();
    let Some(vectors) = vectors else {
        let message = "a text without a letter or a digit has no lexical embedding";
        return Err(Refused::new(FailureKind::Final, message, Vec::new()));
    };
    let call = Call {
        provider: NAME.to_owned(),
        model: lexical::MODEL.to_owned(),
        input: question::counted(texts),
        output: json!({"vectors": vectors.len(), "dimensions": lexical::DIMENSIONS}),
        latency: begun.elapsed(),
        reason: reason(need).to_owned(),
        ..Call::default()
    };
    words::log(&call);
    let (model, provider) = (call.model.clone(), call.provider.clone());
    Ok(Embedded { vectors, model, provider, calls: vec![call] })
}
