//! A webhook: who sends it, what it says, and the change that is written down.

use std::time::Duration;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Bytes, Incoming};
use hyper::{Request, StatusCode};
use serde_json::json;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{Answer, refusal, said};
use crate::hook::Receiver;
use crate::hook::auth::Claim;
use crate::hook::clock;
use crate::hook::journal::Written;
use crate::hook::payload::{self, Told};
use crate::hook::state::Entry;

/// A database webhook carries a row twice.
const MOST_BODY: usize = 1 << 20;
const BODY: Duration = Duration::from_secs(10);

/// A body up to this size is read whoever sends it: there is room for one on every connection.
const SMALL: u64 = 64 << 10;

/// Room for large bodies of which nobody knows yet whether their signature is right.
pub struct Unverified(Semaphore);

impl Unverified {
    const PLACES: usize = 16;

    pub fn new() -> Self {
        Self(Semaphore::new(Self::PLACES))
    }

    async fn room(&self) -> Option<SemaphorePermit<'_>> {
        tokio::time::timeout(BODY, self.0.acquire()).await.ok()?.ok()
    }
}

pub async fn hook(receiver: &Receiver, request: Request<Incoming>) -> Answer {
    let answer = receive(receiver, request).await;
    receiver.metrics.request(answer.status().as_u16());
    if !answer.status().is_success() {
        tracing::warn!(status = answer.status().as_u16(), "refused a request");
    }
    answer
}

async fn receive(receiver: &Receiver, request: Request<Incoming>) -> Answer {
    let claim = receiver.key.claim(request.headers(), clock::wall() / 1000);
    let stranger = "neither the secret nor a signature in time";
    let size = request.body().size_hint();
    if claim != Claim::Stranger && size.lower() > MOST_BODY as u64 {
        return oversized(receiver, &claim).await;
    }
    let is_small = size.upper().is_some_and(|most| most <= SMALL);
    let (signed, room) = match &claim {
        Claim::Stranger => return refusal(StatusCode::UNAUTHORIZED, stranger),
        Claim::Known => (None, None),
        Claim::Signed(signed) if is_small => (Some(signed), None),
        Claim::Signed(signed) => match receiver.unverified.room().await {
            Some(room) => (Some(signed), Some(room)),
            None => return refusal(StatusCode::SERVICE_UNAVAILABLE, "too much comes at one time"),
        },
    };
    let body = match read(request.into_body()).await {
        Ok(body) => body,
        Err(None) => return oversized(receiver, &claim).await,
        Err(Some((status, why))) => return refusal(status, why),
    };
    if signed.is_some_and(|signed| !receiver.key.verify(signed, &body)) {
        return refusal(StatusCode::UNAUTHORIZED, stranger);
    }
    drop(room);
    let id = signed.map(|signed| short(&signed.id));
    match payload::read(&body, &|| receiver.idle.columns(&receiver.config)) {
        Told::Nonsense(why) => refusal(StatusCode::BAD_REQUEST, why),
        Told::Same(table) => {
            tracing::info!(table, "a row was saved as it was");
            said(StatusCode::OK, &json!({"accepted": false, "why": "nothing changed"}))
        }
        Told::Change(table) => change(receiver, table, id).await,
    }
}

/// A whole body, or why there is none; no reason where it is too large.
async fn read(body: Incoming) -> Result<Bytes, Option<(StatusCode, &'static str)>> {
    let body = Limited::new(body, MOST_BODY).collect();
    match tokio::time::timeout(BODY, body).await {
        Err(_) => Err(Some((StatusCode::REQUEST_TIMEOUT, "the body did not come in time"))),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(None),
        Ok(Err(_)) => Err(Some((StatusCode::BAD_REQUEST, "the body broke off"))),
        Ok(Ok(body)) => Ok(body.to_bytes()),
    }
}

/// Who shows the secret is believed that something changed, whatever it was. A signature cannot be
/// checked without the body.
async fn oversized(receiver: &Receiver, claim: &Claim) -> Answer {
    match claim {
        Claim::Known => change(receiver, "(unknown)".to_owned(), None).await,
        _ => refusal(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB"),
    }
}

async fn change(receiver: &Receiver, table: String, id: Option<u64>) -> Answer {
    match receiver.journal.write(Entry::change(table.clone(), id)).await {
        Written::Durably => {
            tracing::info!(table, "a change is pending");
            said(StatusCode::ACCEPTED, &json!({"accepted": true}))
        }
        Written::Before => said(StatusCode::OK, &json!({"accepted": false, "why": "seen before"})),
        Written::Not => refusal(StatusCode::SERVICE_UNAVAILABLE, "the change cannot be kept"),
    }
}

/// An id of any length as one number, for as long as it could be replayed.
fn short(id: &str) -> u64 {
    let hash = blake3::hash(id.as_bytes());
    hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}
