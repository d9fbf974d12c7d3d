//! The word that a build sends out: how it went, to whoever the configuration names. Signed like a
//! webhook, where there is a secret to sign with.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use uuid::Uuid;

use super::auth::Key;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::web::{self, Ask};

const TIMEOUT: Duration = Duration::from_secs(10);
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// How a build went.
#[derive(Debug, Clone, Serialize)]
pub struct News {
    pub status: &'static str,
    pub site: String,
    pub pages: Option<usize>,
    pub bytes: Option<u64>,
    pub fingerprint: Option<String>,
    pub seconds: f64,
    pub error: Option<String>,
}

/// Tells it, if anybody is to be told; tries three times, and is no reason for a build to fail.
pub fn notify(config: &Config, news: &News) -> Result<()> {
    let Some(url) = &config.hook.notify else { return Ok(()) };
    let body = serde_json::json!({
        "type": format!("build.{}", news.status),
        "timestamp": chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "data": news,
    });
    let body = body.to_string().into_bytes();
    let headers = headers(config, &body).map_err(|error| error.context("nobody is told"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::other("cannot start a runtime").because(error))?;
    runtime.block_on(async {
        let mut pauses = PAUSES.iter();
        loop {
            let ask = Ask::post(url.reveal(), headers.clone(), body.clone(), TIMEOUT);
            let error = match web::ask(ask).await {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(()),
                Ok(answer) => Error::other(format!("the answer has status {}", answer.status)),
                Err(silence) => silence.error,
            };
            let Some(pause) = pauses.next() else {
                let variable = &config.hook.notify_env;
                return Err(error.context(format!("nobody is told: {variable} cannot be reached")));
            };
            tokio::time::sleep(*pause).await;
        }
    })
}

fn headers(config: &Config, body: &[u8]) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let Some(secret) = &config.hook.notify_secret else { return Ok(headers) };
    let id = format!("msg_{}", Uuid::new_v4().simple());
    let key = Key::strong(secret, &config.hook.notify_secret_env)?;
    let signed = key.sign(&id, chrono::Utc::now().timestamp(), body);
    for (name, value) in signed.into_iter().flatten() {
        let value = HeaderValue::from_str(&value)
            .map_err(|error| Error::other("a signature is no header").because(error))?;
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}
