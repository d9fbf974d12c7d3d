//! The HTTP client of all providers: no redirects, no proxy, and keys that nothing repeats.

use std::sync::OnceLock;

use reqwest::Client;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use url::Url;

use super::trouble::{Kind, Trouble};
use crate::config::Provider;
use crate::web;

/// A shorter key than any there is would be found in words.
const SHORTEST_KEY: usize = 8;

/// Each made when it is first needed: only that for https needs the system's certificates.
#[derive(Debug, Default)]
pub struct Http {
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Http {
    pub fn client(&self, url: &Url) -> Result<&Client, Trouble> {
        let secure = url.scheme() == "https";
        let cell = if secure { &self.secure } else { &self.plain };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = web::builder(secure).build().map_err(|error| {
            let why = error.without_url();
            let words = "https needs the certificates of the system (often called ca-certificates)";
            Trouble::new(Kind::Unreachable, format!("cannot be asked over https: {why}; {words}"))
        })?;
        Ok(cell.get_or_init(|| client))
    }
}

pub fn headers(to: &Provider) -> Result<HeaderMap, Trouble> {
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

/// Without the key, should the server have repeated it: what it says is logged and kept.
pub fn without_key(to: &Provider, body: Vec<u8>) -> Vec<u8> {
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
