//! Requests to the Storage API: an object is read by its public URL and written with the key.

mod trouble;

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, StatusCode};
use tokio::runtime::{self, Runtime};
use url::Url;

use super::key::Key;
use super::object::Object;
use crate::error::{Error, Result};
use crate::web;
pub use trouble::Trouble;

/// Tries after the first one.
const AGAIN: usize = 2;
/// The slowest line that is waited for, in bytes a millisecond.
const SLOWEST: u64 = 100;
/// More of an answer is not read to learn what went wrong.
const COMPLAINT: usize = 4096;

/// How long is waited.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Before the second try; the next wait is longer.
    pub delay: Duration,
    /// For one answer, beside the time its bytes take.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { delay: Duration::from_millis(500), patience: Duration::from_secs(30) }
    }
}

pub struct Api {
    client: Client,
    runtime: Runtime,
    key: Key,
    pace: Pace,
}

/// An object as it is served.
pub struct Served {
    pub bytes: Vec<u8>,
    pub cache_control: Option<HeaderValue>,
}

/// How an object is to be served.
pub struct Manner {
    pub media_type: &'static str,
    pub cache_control: Option<HeaderValue>,
}

impl Api {
    pub fn new(storage: &Url, key: Key, pace: Pace) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::other("cannot prepare uploads").because(error.to_string())
        };
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&error))?;
        let builder = web::builder(storage.scheme() == "https");
        let client = builder.build().map_err(|error| failed(&error.without_url()))?;
        Ok(Self { client, runtime, key, pace })
    }

    /// Reads an object past all caches, and no more than a byte beyond `most`: what is longer is
    /// not what is looked for.
    pub fn get(&self, object: &Object, most: usize) -> Result<Served, Trouble> {
        self.tried(|| async {
            let request = self.client.get(object.fresh()).timeout(self.time(most));
            let response = accepted(request.send().await, trouble::READING).await?;
            read(response, most).await
        })
    }

    pub fn put(&self, object: &Object, bytes: &[u8], manner: &Manner) -> Result<(), Trouble> {
        self.tried(|| async {
            let request = self.client.put(object.write().clone()).headers(self.headers(manner));
            let request = request.timeout(self.time(bytes.len())).body(bytes.to_vec());
            accepted(request.send().await, trouble::WRITING).await.map(drop)
        })
    }

    fn headers(&self, manner: &Manner) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, self.key.bearer.clone());
        headers.insert("apikey", self.key.plain.clone());
        headers.insert("x-upsert", HeaderValue::from_static("true"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(manner.media_type));
        // Without it, what browsers were told before would be forgotten.
        if let Some(cache_control) = &manner.cache_control {
            headers.insert(CACHE_CONTROL, cache_control.clone());
        }
        headers
    }

    pub fn pause(&self) {
        self.runtime.block_on(async { tokio::time::sleep(self.pace.delay).await });
    }

    fn time(&self, bytes: usize) -> Duration {
        self.pace.patience + Duration::from_millis(bytes as u64 / SLOWEST)
    }

    fn tried<T, F>(&self, once: impl FnMut() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, Trouble>>,
    {
        let plan = ExponentialBuilder::new().with_min_delay(self.pace.delay);
        let plan = plan.with_max_times(AGAIN).with_jitter();
        let tried = once.retry(plan).sleep(tokio::time::sleep).when(Trouble::is_passing);
        self.runtime.block_on(tried)
    }
}

/// The answer, if it is a yes.
async fn accepted(
    answer: reqwest::Result<Response>,
    doing: trouble::Doing,
) -> Result<Response, Trouble> {
    let mut response = answer.map_err(trouble::broken)?;
    match response.status() {
        status if status.is_success() => Ok(response),
        status if status.is_redirection() => Err(trouble::redirected()),
        StatusCode::BAD_REQUEST => {
            let status = complaint(&mut response).await.unwrap_or(StatusCode::BAD_REQUEST);
            Err(trouble::refused(status, doing))
        }
        status => Err(trouble::refused(status, doing)),
    }
}

/// The Storage API says 400 and puts what it means into the body. Nothing else of the body is
/// shown: whoever answers has seen the key.
async fn complaint(response: &mut Response) -> Option<StatusCode> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await
        && body.len() < COMPLAINT
    {
        body.extend_from_slice(&chunk);
    }
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let status = body.get("statusCode")?;
    let status = status.as_u64().or_else(|| status.as_str()?.parse().ok())?;
    let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
    (status.is_client_error() || status.is_server_error()).then_some(status)
}

async fn read(mut response: Response, most: usize) -> Result<Served, Trouble> {
    let cache_control = response.headers().get(CACHE_CONTROL).cloned();
    let mut bytes = Vec::new();
    while bytes.len() <= most
        && let Some(chunk) = response.chunk().await.map_err(trouble::broken)?
    {
        bytes.extend_from_slice(&chunk);
    }
    Ok(Served { bytes, cache_control })
}

#[cfg(test)]
mod tests;
