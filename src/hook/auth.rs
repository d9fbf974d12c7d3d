//! Who may call: those who sign what they send (Standard Webhooks), and those who show the secret in
//! a header. Nothing is compared in a time that tells how much of it was right.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use hyper::HeaderMap;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::config::{Hook, Secret};
use crate::error::{Error, Result};

/// A shorter secret could be guessed.
const SHORTEST: usize = 16;

/// How far the sender's clock may be off, in seconds.
pub const TOLERANCE: i64 = 300;

/// Signatures that are looked at, of those a request may carry while keys are changed.
const MOST_SIGNATURES: usize = 8;

const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";
const SECRET: &str = "x-frieze-secret";

fn advice(variable: &str) -> String {
    format!(
        "set {variable} to at least {SHORTEST} characters that nobody can guess, as `openssl rand -base64 32` makes them, and give the same to the other side"
    )
}

/// What callers know.
pub struct Key {
    shown: [u8; 32],
    signing: Vec<u8>,
}

/// How a request says who it is from, as far as its head tells.
#[derive(Debug, PartialEq, Eq)]
pub enum Claim {
    /// It shows the secret.
    Known,
    /// Its body is signed, or so it says.
    Signed(Signed),
    Stranger,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Signed {
    pub id: String,
    timestamp: String,
    signatures: String,
}

impl Key {
    pub fn new(hook: &Hook) -> Result<Self> {
        let variable = &hook.secret_env;
        let secret = hook.secret.as_ref().ok_or_else(|| {
            let error = Error::config(format!("{variable} is not set: anybody could call"));
            error.help(advice(variable))
        })?;
        Self::strong(secret, variable)
    }

    /// The key of a secret that a variable holds, if it is long enough.
    pub fn strong(secret: &Secret, variable: &str) -> Result<Self> {
        if secret.reveal().len() < SHORTEST {
            let error = Error::config(format!("the secret in {variable} is too short"));
            return Err(error.help(advice(variable)));
        }
        Ok(Self::of(secret.reveal()))
    }

    pub fn of(secret: &str) -> Self {
        Self { shown: Sha256::digest(secret).into(), signing: signing_key(secret) }
    }

    /// What the head of a request claims at `now`, in seconds since 1970.
    pub fn claim(&self, headers: &HeaderMap, now: i64) -> Claim {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        if headers.contains_key(SIGNATURE) || headers.contains_key(ID) {
            // Who signs is held to it: the other way is no way around.
            let (Some(id), Some(timestamp), Some(signatures)) =
                (text(ID), text(TIMESTAMP), text(SIGNATURE))
            else {
                return Claim::Stranger;
            };
            let in_time = timestamp
                .parse::<i64>()
                .is_ok_and(|sent| now.checked_sub(sent).is_some_and(|age| age.abs() <= TOLERANCE));
            if !in_time || id.is_empty() {
                return Claim::Stranger;
            }
            let [id, timestamp, signatures] = [id, timestamp, signatures].map(str::to_owned);
            return Claim::Signed(Signed { id, timestamp, signatures });
        }
        let bearer = text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        match text(SECRET).or(bearer) {
            Some(shown) if self.is_secret(shown) => Claim::Known,
            _ => Claim::Stranger,
        }
    }

    fn is_secret(&self, shown: &str) -> bool {
        let shown: [u8; 32] = Sha256::digest(shown.trim()).into();
        shown.ct_eq(&self.shown).into()
    }

    /// Whether one of the signatures is right for this body.
    pub fn verify(&self, signed: &Signed, body: &[u8]) -> bool {
        let versions = signed.signatures.split_whitespace().take(MOST_SIGNATURES);
        let signatures = versions.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok());
        let mut is_right = false;
        for signature in signatures {
            let Some(mac) = self.mac(&signed.id, &signed.timestamp, body) else { return false };
            is_right |= mac.verify_slice(&signature).is_ok();
        }
        is_right
    }

    /// The headers that sign a body of one's own.
    pub fn sign(&self, id: &str, now: i64, body: &[u8]) -> Option<[(&'static str, String); 3]> {
        let timestamp = now.to_string();
        let mac = self.mac(id, &timestamp, body)?.finalize().into_bytes();
        let signature = format!("v1,{}", STANDARD.encode(mac));
        Some([(ID, id.to_owned()), (TIMESTAMP, timestamp), (SIGNATURE, signature)])
    }

    fn mac(&self, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.signing).ok()?;
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        Some(mac)
    }
}

/// A secret that begins with `whsec_` is one in base64.
fn signing_key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix("whsec_").and_then(|rest| STANDARD.decode(rest).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}
