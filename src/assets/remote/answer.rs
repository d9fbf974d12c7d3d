//! An image as a server sends it: its body in full, if it is not too long and is an image.

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use super::failure::{self, Failure};
use super::sniff;

pub struct Answer {
    /// Where it came from in the end.
    pub from: Url,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

pub async fn read(at: &Url, mut response: Response, max_bytes: u64) -> Result<Answer, Failure> {
    let body = body(at, &mut response, max_bytes).await?;
    if !sniff::is_image(&body) {
        return Err(failure::no_image(at, &kind(response.headers()), body.len()));
    }
    Ok(Answer { from: at.clone(), headers: response.headers().clone(), body })
}

/// The body, cut off where it gets too long: what a server says of its length is not relied on.
async fn body(at: &Url, response: &mut Response, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let fits = |length: u64| {
        if length > max_bytes { Err(failure::too_large(at, max_bytes)) } else { Ok(()) }
    };
    fits(response.content_length().unwrap_or(0))?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| failure::broken(at, error))? {
        fits(body.len() as u64 + chunk.len() as u64)?;
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What the server calls that which it sent.
fn kind(headers: &HeaderMap) -> String {
    let named = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind: String =
        named.split(';').next().unwrap_or_default().trim().chars().take(80).collect();
    if kind.is_empty() { "of no named type".to_owned() } else { kind }
}
