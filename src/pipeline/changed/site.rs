//! The site that is live, as it tells of itself.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::pipeline::inputs;
use crate::web::{self, Ask};

/// A host that takes longer is as good as away.
const TIMEOUT: Duration = Duration::from_secs(10);
pub const MOST_HEALTH: usize = 4 << 20;
pub const MOST_PAGES: usize = 128 << 20;

/// What is live.
#[derive(Debug, Clone, Serialize)]
pub struct Live {
    pub url: String,
    pub version: String,
    pub fingerprint: String,
}

/// What the site at `url` says of itself.
pub fn live(url: &str) -> Result<Live> {
    let address = address(url, inputs::HEALTH);
    let summary: serde_json::Value = fetch(&address, MOST_HEALTH)?;
    let text = |key: &str| summary.get(key).and_then(serde_json::Value::as_str).map(str::to_owned);
    let (Some(version), Some(fingerprint)) = (text("version"), text("fingerprint")) else {
        return Err(Error::other(format!("{address} is not what frieze writes")));
    };
    Ok(Live { url: url.to_owned(), version, fingerprint })
}

/// Of a file of the site at `url`.
pub fn address(url: &str, file: &str) -> String {
    format!("{}/{file}", url.trim_end_matches('/'))
}

pub fn fetch<T: DeserializeOwned>(address: &str, most: usize) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::other("cannot start a runtime").because(error))?;
    let answer = runtime.block_on(web::ask(Ask::get(address, TIMEOUT, most)));
    let answer = answer.map_err(|silence| silence.error)?;
    if answer.status != 200 {
        return Err(Error::other(format!("it answers with status {}", answer.status)));
    }
    if answer.is_cut {
        return Err(Error::other("it is larger than what frieze writes"));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|error| Error::other("it is not what frieze writes").because(error))
}
