//! The HTTP client of all providers: no redirects, no proxy, bounded time and size, and keys that
//! nothing repeats.

use std::sync::OnceLock;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::limits::{self, Limits};
use super::trouble::{self, Kind, Trouble};
use super::{Outcome, below};
use crate::config::{Provider, ProviderKind};

const AGENT: &str = concat!("frieze/", env!("CARGO_PKG_VERSION"));
const CONNECT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const LONGEST: usize = 4 << 20;
/// More of an error is not read.
const COMPLAINT: usize = 16 << 10;
/// How long a llama.cpp server that loads its model is waited for, and how often it is asked.
const LOADING: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_millis(250);
/// A shorter key than any there is would be found in words.
const SHORTEST_KEY: usize = 8;

/// Each made when it is first needed: only that for https needs the system's certificates.
#[derive(Debug, Default)]
pub struct Http {
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

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

    fn client(&self, url: &Url) -> Result<&Client, Trouble> {
        let secure = url.scheme() == "https";
        let cell = if secure { &self.secure } else { &self.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = client(secure).map_err(|error| {
            let why = error.without_url();
            let words = "https needs the certificates of the system (often called ca-certificates)";
            Trouble::new(Kind::Unreachable, format!("cannot be asked over https: {why}; {words}"))
        })?;
        Ok(cell.get_or_init(|| client))
    }
}

fn client(secure: bool) -> reqwest::Result<Client> {
    // Another part of the program may have installed it before: all agree on this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT);
    let builder = if secure { builder.https_only(true) } else { builder.tls_certs_only([]) };
    builder.build()
}

fn headers(to: &Provider) -> Result<HeaderMap, Trouble> {
    let json = HeaderValue::from_static("application/json");
    let mut headers = HeaderMap::from_iter([(ACCEPT, json.clone()), (CONTENT_TYPE, json)]);
    if let Some(key) = &to.key {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", key.reveal()));
        let mut bearer = bearer.map_err(|_| {
            let variable = to.key_env.as_deref().unwrap_or("key_env");
            let message = format!("was not asked: {variable} holds what cannot be a key");
            Trouble::new(Kind::Key, message)
        })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
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

/// Without the key, should the server have repeated it: what it says is logged and kept.
fn without_key(to: &Provider, body: Vec<u8>) -> Vec<u8> {
    let Some(key) = &to.key else { return body };
    let key = key.reveal().as_bytes();
    if key.len() < SHORTEST_KEY || memchr::memmem::find(&body, key).is_none() {
        return body;
    }
    let (mut kept, mut from) = (Vec::with_capacity(body.len()), 0);
    for at in memchr::memmem::find_iter(&body, key) {
        kept.extend_from_slice(&body[from..at]);
        kept.extend_from_slice(b"(secret)");
        from = at + key.len();
    }
    kept.extend_from_slice(&body[from..]);
    kept
}
