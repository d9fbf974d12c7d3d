//! Asking models: who is asked, what is sent, and what becomes of every kind of answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../support/config.rs"]
mod config;
#[path = "../support/models.rs"]
mod models;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;

/// A measurement, for whoever looks with --nocapture.
macro_rules! say {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}

mod away;
mod breaker;
mod embeddings;
mod ends;
mod faults;
mod images;
mod kept;
mod leaves;
mod log;
mod memories;
mod order;
mod private;
mod quotas;
mod requests;
mod retrieval;
mod settings;
mod world;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use frieze::config::{Config, Enrich, Overrides};
use frieze::enrich::router::{Answered, Need, Question, Refused, Router};
use frieze::enrich::{Call, FailureKind};
use serde_json::{Value, json};

use models::Models;

/// What every variable holds that names a key, but `UNSET_KEY`.
pub const KEY: &str = "gsk_do-not-tell-anybody-0123456789";

/// The settings of `[enrich]` with these providers.
pub fn settings(providers: &str) -> Enrich {
    settings_with_key(providers, KEY)
}

pub fn settings_with_key(providers: &str, key: &str) -> Enrich {
    let dir = tempfile::tempdir().unwrap();
    let text =
        format!("[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n\n{providers}");
    std::fs::write(dir.path().join("frieze.toml"), text).unwrap();
    let env = |name: &str| {
        let is_key = name.ends_with("_KEY") || name.ends_with("_TOKEN");
        (is_key && name != "UNSET_KEY").then(|| key.to_owned())
    };
    Config::load(dir.path(), &Overrides::default(), &env).unwrap().enrich
}

/// One provider of `[[enrich.providers]]`.
pub fn provider(name: &str, kind: &str, base_url: &str, more: &str) -> String {
    format!(
        "[[enrich.providers]]\nname = \"{name}\"\nkind = \"{kind}\"\nbase_url = \"{base_url}\"\nmodel = \"{name}-model\"\n{more}\n\n"
    )
}

/// A router whose time stands still until it is told otherwise.
pub struct Still {
    pub router: Router,
    time: Arc<Mutex<Duration>>,
}

impl Still {
    pub fn new(providers: &str) -> Self {
        Self::of(&settings(providers))
    }

    pub fn of(settings: &Enrich) -> Self {
        let time = Arc::new(Mutex::new(Duration::from_secs(1000)));
        let theirs = time.clone();
        let clock = Arc::new(move || *theirs.lock().unwrap());
        Self { router: Router::with_clock(settings, clock).unwrap(), time }
    }

    pub fn pass(&self, seconds: u64) {
        *self.time.lock().unwrap() += Duration::from_secs(seconds);
    }

    pub async fn ask(&self) -> Result<Answered, Refused> {
        self.router.chat(&question(), soon()).await
    }

    pub async fn answer(&self) -> Answered {
        self.ask().await.unwrap()
    }

    pub async fn refusal(&self) -> Refused {
        self.ask().await.unwrap_err()
    }
}

/// A Groq and a second one that anybody may use, each a server of its own.
pub struct Two {
    pub groq: Models,
    pub next: Models,
    pub still: Still,
}

impl Two {
    pub fn start() -> Self {
        Self::with("")
    }

    pub fn with(more: &str) -> Self {
        let (groq, next) = (Models::start(), Models::start());
        let providers = provider("groq", "groq", &groq.openai_url(), more)
            + &provider("next", "openai", &next.openai_url(), "");
        let still = Still::new(&providers);
        Self { groq, next, still }
    }

    /// How often each was asked.
    pub fn asked(&self) -> (usize, usize) {
        (self.groq.requests().len(), self.next.requests().len())
    }
}

pub fn question() -> Question {
    Question {
        system: "You describe projects.".to_owned(),
        user: "Describe frieze.".to_owned(),
        name: "description".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {
                "text": {"type": "string", "minLength": 1, "maxLength": 200},
                "note": {"type": "string"},
            },
            "required": ["text"],
            "additionalProperties": false
        }),
        max_tokens: 400,
        images: Vec::new(),
        need: Need::default(),
    }
}

pub fn soon() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

pub fn seconds(kind: FailureKind) -> u64 {
    match kind {
        FailureKind::Unavailable(wait) | FailureKind::Faulty(wait) | FailureKind::Down(wait) => {
            wait.as_secs()
        }
        kind => panic!("{kind:?}"),
    }
}

fn kind(error: &Value) -> &str {
    error["kind"].as_str().unwrap()
}

/// Who was asked, and what kind of trouble there was.
pub fn kinds(calls: &[Call]) -> Vec<(&str, &str)> {
    calls
        .iter()
        .map(|call| (call.provider.as_str(), call.error.as_ref().map_or("good", kind)))
        .collect()
}

/// The words for what was wrong in a call.
pub fn message(call: &Call) -> &str {
    call.error.as_ref().map(|error| &error["message"]).and_then(Value::as_str).unwrap()
}
