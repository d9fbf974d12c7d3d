//! One deployment: the deploy hook is called, or a command is run.

mod command;
#[cfg(test)]
mod tests;

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::config::{Config, Secret};
use crate::error::{Error, Result};
use crate::web::{self, Ask};

/// A hook that is slow has all the same begun: this is long, so that none is called twice for it.
const TIMEOUT: Duration = Duration::from_mins(2);
/// What a command that is ended has to tidy up.
const GRACE: Duration = Duration::from_secs(10);

pub enum Way {
    /// How long an answer may take.
    Hook { url: Secret, headers: HeaderMap, limit: Duration },
    /// How long the command may take, and how long to end after that.
    Command { words: Vec<String>, limit: Duration, grace: Duration },
}

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub ok: bool,
    /// It may have become a deployment, and so is one of the day's.
    pub counts: bool,
    pub words: String,
}

impl Way {
    pub fn new(config: &Config) -> Result<Self> {
        let hook = &config.hook;
        match (&hook.url, hook.command.is_empty()) {
            (None, false) => Ok(Self::Command {
                words: hook.command.clone(),
                limit: hook.command_limit,
                grace: GRACE,
            }),
            (Some(url), true) => {
                let headers = headers(hook.key.as_ref())?;
                Ok(Self::Hook { url: url.clone(), headers, limit: TIMEOUT })
            }
            (Some(_), false) => Err(Error::config(format!(
                "both {} and hook.command say how to deploy",
                hook.url_env
            ))
            .help("keep one of them")),
            (None, true) => Err(Error::config("nothing says how to deploy").help(format!(
                "set {} to your host's deploy hook, or write command = [\"frieze\", \"build\"] under [hook] in frieze.toml",
                hook.url_env
            ))),
        }
    }

    pub async fn deploy(&self, config: &Config) -> Outcome {
        match self {
            Self::Hook { url, headers, limit } => call(url.reveal(), headers.clone(), *limit).await,
            Self::Command { words, limit, grace } => {
                command::run(words, &config.root, *limit, *grace).await
            }
        }
    }
}

fn headers(key: Option<&Secret>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", key.reveal()));
        let mut bearer =
            bearer.map_err(|_| Error::config("the deploy hook's key holds what no header can"))?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

async fn call(url: &str, headers: HeaderMap, limit: Duration) -> Outcome {
    match web::ask(Ask::post(url, headers, body(url), limit)).await {
        Ok(answer) => {
            let status = answer.status;
            Outcome {
                ok: (200..300).contains(&status),
                counts: !(300..500).contains(&status),
                words: format!("the deploy hook answers with status {status}"),
            }
        }
        Err(silence) => Outcome {
            ok: false,
            counts: !silence.is_unsent,
            words: format!("the deploy hook gives {}", silence.error.chain().join(": ")),
        },
    }
}

/// Deploy hooks want none; GitHub wants to know what happened.
fn body(url: &str) -> Vec<u8> {
    let is_dispatch =
        url.starts_with("https://api.github.com/repos/") && url.ends_with("/dispatches");
    if is_dispatch { br#"{"event_type":"content"}"#.to_vec() } else { Vec::new() }
}
