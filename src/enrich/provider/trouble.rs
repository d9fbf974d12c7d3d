//! What can be wrong with a request and its answer, as far as the router acts on it.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::Used;

/// More of a server's own words is not shown.
const WORDS: usize = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No connection, or one that broke.
    Unreachable,
    Timeout,
    /// The answer stopped in the middle.
    Truncated,
    TooLarge,
    /// The server sends elsewhere, where nothing is sent to.
    Redirect,
    /// Too many requests, or none paid for.
    RateLimit,
    NoModel,
    Key,
    /// The server does not take this request, and would not take it the next time.
    Rejected,
    Server,
    /// The server answers, but not in its protocol.
    BadReply,
    /// The model's answer is not what was asked for.
    BadAnswer,
}

#[derive(Debug, Clone)]
pub struct Trouble {
    pub kind: Kind,
    pub status: Option<u16>,
    /// What the server did, as in "answered 500".
    pub message: String,
    /// When the server says it may be asked again.
    pub after: Option<Duration>,
    /// What the model said.
    pub said: Option<String>,
    pub used: Used,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::Truncated => "truncated",
            Self::TooLarge => "too_large",
            Self::Redirect => "redirect",
            Self::RateLimit => "rate_limit",
            Self::NoModel => "no_model",
            Self::Key => "key",
            Self::Rejected => "rejected",
            Self::Server => "server",
            Self::BadReply => "bad_reply",
            Self::BadAnswer => "bad_answer",
        }
    }
}

impl Trouble {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        let (after, said, used) = (None, None, Used::default());
        Self { kind, status: None, message: message.into(), after, said, used }
    }

    /// As it stands in the log of calls.
    pub fn row(&self) -> Value {
        let mut row = json!({"kind": self.kind.name(), "message": self.message});
        if let Some(status) = self.status {
            row["status"] = json!(status);
        }
        row
    }
}

/// What an answer that is no success means. `key` is the variable that holds the key.
pub fn refused(
    status: StatusCode,
    body: &[u8],
    after: Option<Duration>,
    key: Option<&str>,
) -> Trouble {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = Said::of(&body);
    let code = status.as_u16();
    let kind = kind_of(code, &said);
    let mut message = match (kind, key) {
        (Kind::Key, Some(key)) => format!("answered {code}: it does not take the key in {key}"),
        (Kind::Key, None) => {
            format!("answered {code}: it wants a key, and no key_env names one")
        }
        (Kind::Redirect, _) => format!("answered {code}: it sends elsewhere, check its base_url"),
        (Kind::NoModel, _) if !said.names_model() => {
            format!("answered {code}: check its base_url and the model's name")
        }
        (Kind::BadAnswer, _) => "could not make its answer fit the schema".to_owned(),
        _ => format!("answered {code}"),
    };
    if let Some(words) = said.message.filter(|_| kind != Kind::Key) {
        message = format!("{message}: {}", plain(words));
    }
    Trouble { status: Some(code), after, ..Trouble::new(kind, message) }
}

/// The words of a server's error object.
struct Said<'a> {
    message: Option<&'a str>,
    code: &'a str,
}

impl<'a> Said<'a> {
    fn of(body: &'a Value) -> Self {
        let error = &body["error"];
        let message = [&error["message"], error, &body["message"], &body["detail"]];
        let code = [&error["code"], &error["type"], &body["code"]];
        let message = message.iter().find_map(|it| it.as_str());
        Self { message, code: code.iter().find_map(|it| it.as_str()).unwrap_or_default() }
    }

    fn names_model(&self) -> bool {
        self.code == "model_not_found" || self.message.is_some_and(|it| it.contains("model"))
    }
}

fn kind_of(status: u16, said: &Said<'_>) -> Kind {
    let message = said.message.unwrap_or_default();
    match status {
        300..=399 => Kind::Redirect,
        // The model did not manage to keep to the schema: the request is not to blame.
        400 if said.code == "json_validate_failed" => Kind::BadAnswer,
        400 | 404 if said.code == "model_not_found" || said.code == "model_decommissioned" => {
            Kind::NoModel
        }
        401 | 403 => Kind::Key,
        402 | 429 => Kind::RateLimit,
        404 => Kind::NoModel,
        // Of llama.cpp, for a text to embed that is longer than its batch.
        500 if message.contains("too large to process") => Kind::Rejected,
        408 | 409 | 425 | 500..=599 => Kind::Server,
        _ => Kind::Rejected,
    }
}

/// Somebody else's words, in one short line.
pub fn plain(words: &str) -> String {
    let line = words.split(|c: char| c.is_whitespace() || c.is_control());
    let line = line.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
