//! One request to one provider: what each kind of server wants to be sent, and what becomes of what
//! it answers. An answer is untrusted, whoever gave it.

mod chat;
mod client;
mod embed;
mod http;
mod limits;
mod trouble;

use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::config::Provider;
use crate::enrich::embedding::Purpose;
use crate::enrich::router::Question;
pub use client::Http;
pub use limits::{Left, Limits};
pub use trouble::{Kind, Trouble};

/// What a model said, and that it is what was asked for.
#[derive(Debug)]
pub struct Spoken {
    pub value: Value,
    pub text: String,
    pub used: Used,
}

#[derive(Debug)]
pub struct Vectors {
    pub vectors: Vec<Vec<f32>>,
    pub used: Used,
}

/// Tokens, as far as the server counts them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Used {
    pub tokens_in: Option<i32>,
    pub tokens_out: Option<i32>,
}

/// What came of a request, and what its headers say of the next one.
#[derive(Debug)]
pub struct Outcome<T> {
    pub result: Result<T, Trouble>,
    pub limits: Limits,
}

/// Where a request goes.
pub struct Asked<'a> {
    pub http: &'a Http,
    pub provider: &'a Provider,
    pub model: &'a str,
    /// How long the whole of it may take.
    pub limit: Duration,
}

impl Asked<'_> {
    pub async fn chat(&self, question: &Question) -> Outcome<Spoken> {
        let url = chat::url(self.provider);
        let body = chat::body(self.provider, self.model, question);
        let reply = self.post(&url, &body).await;
        reply.read(|body| chat::read(body, question))
    }

    pub async fn embed(&self, texts: &[String], purpose: Purpose) -> Outcome<Vectors> {
        let url = embed::url(self.provider, self.model);
        let body = embed::body(self.provider, self.model, texts, purpose);
        let reply = self.post(&url, &body).await;
        reply.read(|body| embed::read(self.provider.kind, body, texts.len()))
    }

    async fn post(&self, url: &Url, body: &Value) -> http::Reply {
        self.http.post(self.provider, url, body, self.limit).await
    }
}

/// An address below the provider's own, whose query it keeps.
fn below(base: &Url, path: &[&str]) -> Url {
    let mut url = base.clone();
    // Only addresses like `mailto:` have no path; the configuration takes none of them.
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().extend(path);
    }
    url
}

/// The same below `v1`, which may be part of the address already.
fn below_v1(base: &Url, path: &[&str]) -> Url {
    if base.path().trim_end_matches('/').ends_with("/v1") {
        return below(base, path);
    }
    below(&below(base, &["v1"]), path)
}

fn count(value: &Value) -> Option<i32> {
    i32::try_from(value.as_u64()?).ok()
}

#[cfg(test)]
mod tests;
