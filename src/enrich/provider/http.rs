//! Sending a request: bounded in time and size, and what is wrong with the answer to it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::client::{Http, headers, without_key};
use super::limits::{self, Limits};
use super::trouble::{self, Kind, Trouble};
use super::{Outcome, below};
use crate::config::{Provider, ProviderKind};

/// The longest answer that is read.
const LONGEST: usize = 4 << 20;
/// More of an error is not read.
const COMPLAINT: usize = 16 << 10;
/// How long a llama.cpp server that loads its model is waited for, and how often it is asked.
const LOADING: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_millis(250);

/// The body of a success, or what was wrong.
pub struct Reply {
    body: Result<Vec<u8>, Trouble>,
    limits: Limits,
}

impl Reply {
    pub fn read<T>(self, read: impl FnOnce(&[u8]) -> Result<T, Trouble>) -> Outcome<T> {
        Outcome { result: self.body.and_then(|body| read(&body)), limits: self.limits }
    }
}

impl Http {
    /// Sends a question, once; twice where a llama.cpp server was still loading.
    pub async fn post(&self, to: &Provider, url: &Url, body: &Value, limit: Duration) -> Reply {
        let until = Instant::now() + limit;
        let mut limits = Limits::default();
        let body = self.tried(to, url, body, until, &mut limits).await;
        Reply { body, limits }
    }

    async fn tried(
        &self,
        to: &Provider,
        url: &Url,
        body: &Value,
        until: Instant,
        limits: &mut Limits,
    ) -> Result<Vec<u8>, Trouble> {
        let headers = headers(to)?;
        let client = self.client(url)?;
        let body = body.to_string();
        let send = || {
            let request = client.post(url.clone()).headers(headers.clone()).body(body.clone());
            request.timeout(until.saturating_duration_since(Instant::now())).send()
        };
        let mut response = send().await.map_err(|error| broken(&error))?;
        if to.kind == ProviderKind::Llama && response.status() == StatusCode::SERVICE_UNAVAILABLE {
            loaded(client, to, &headers, until).await?;
            response = send().await.map_err(|error| broken(&error))?;
        }
        *limits = limits::limits(response.headers());
        accepted(to, response).await
    }
}

/// Waits until the server has loaded its model.
async fn loaded(
    client: &Client,
    to: &Provider,
    headers: &HeaderMap,
    until: Instant,
) -> Result<(), Trouble> {
    let until = until.min(Instant::now() + LOADING);
    let base = to.base_url.path().trim_end_matches('/').trim_end_matches("/v1");
    let mut health = to.base_url.clone();
    health.set_path(base);
    let health = below(&health, &["health"]);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::new(Kind::Server, "is still loading its model"));
        }
        let asked = client.get(health.clone()).headers(headers.clone()).timeout(left).send().await;
        if asked.map_err(|error| broken(&error))?.status() != StatusCode::SERVICE_UNAVAILABLE {
            return Ok(());
        }
        tokio::time::sleep(EVERY.min(left)).await;
    }
}

async fn accepted(to: &Provider, response: Response) -> Result<Vec<u8>, Trouble> {
    let status = response.status();
    if status.is_success() {
        let body = read(response, LONGEST).await?;
        let body = body.map(|body| without_key(to, body));
        return body.ok_or_else(|| {
            let message = format!("sent more than {} MiB: not read further", LONGEST >> 20);
            Trouble::new(Kind::TooLarge, message)
        });
    }
    let after = limits::retry_after(response.headers());
    // What cannot be read of a complaint changes nothing.
    let body = read(response, COMPLAINT).await.ok().flatten().unwrap_or_default();
    let body = without_key(to, body);
    Err(trouble::refused(status, &body, after, to.key_env.as_deref()))
}

/// Nothing if it is longer than that.
async fn read(mut response: Response, longest: usize) -> Result<Option<Vec<u8>>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| {
        if error.is_timeout() {
            return broken(&error);
        }
        Trouble::new(Kind::Truncated, "broke off in the middle of its answer")
    })? {
        if body.len() + chunk.len() > longest {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

fn broken(error: &reqwest::Error) -> Trouble {
    if error.is_timeout() && !error.is_connect() {
        return Trouble::new(Kind::Timeout, "did not answer in time");
    }
    // The innermost cause is the one that says something.
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let why = if error.is_connect() { "cannot be reached" } else { "broke the connection off" };
    Trouble::new(Kind::Unreachable, format!("{why}: {}", trouble::plain(&cause.to_string())))
}
