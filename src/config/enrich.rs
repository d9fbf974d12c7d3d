//! `[enrich]`: which models may be asked, and what for.

use std::time::Duration;

use indexmap::IndexMap;
use url::Url;

use super::check::{Env, invalid};
use super::raw::{RawEnrich, RawProvider, RawTask};
use super::{Overrides, Secret};
use crate::error::Result;

/// Everything about tasks that models do.
#[derive(Debug, Clone)]
pub struct Enrich {
    /// How long a build gives them; none at all where it is zero.
    pub window: Duration,
    /// How many tasks one process works on at once.
    pub concurrency: usize,
    /// How long a worker may hold a task before another one takes it over.
    pub lease: Duration,
    /// How long an answer is taken from the cache instead of asking again.
    pub cache: Duration,
    /// How many memories are put into a prompt.
    pub memories: usize,
    /// Whether frieze queues by itself what it sees missing.
    pub detect: bool,
    /// In the order in which they are asked.
    pub providers: Vec<Provider>,
    /// Jobs for tasks, by name: what a task type is to do for this site.
    pub tasks: IndexMap<String, TaskSettings>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    pub name: String,
    pub kind: ProviderKind,
    /// Ends without a slash, before `/chat/completions` and the like.
    pub base_url: Url,
    /// The variable that holds the key; none where none is needed.
    pub key_env: Option<String>,
    /// The key itself, which is never shown.
    pub key: Option<Secret>,
    /// The model that answers questions, if this provider does.
    pub model: Option<String>,
    /// The model that makes embeddings, if this provider does.
    pub embedding_model: Option<String>,
    /// Whether private tasks may go there.
    pub private: bool,
    /// Whether answers can be bound to a JSON schema.
    pub json_schema: bool,
    /// Whether it is good at code.
    pub code: bool,
    pub requests_per_minute: Option<u32>,
    pub requests_per_day: Option<u32>,
    /// For one request.
    pub timeout: Duration,
    /// In the currency of one's choice, for a million tokens.
    pub cost_in: Option<f64>,
    pub cost_out: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    Groq,
    HuggingFace,
    Llama,
    /// Any other server of the same protocol.
    OpenAi,
}

/// What the file says of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskSettings {
    /// The task type; two jobs may be of one type.
    pub kind: String,
    /// The collection it works on, and the column it fills.
    pub collection: Option<String>,
    pub column: Option<String>,
    /// Columns that it learns from; all short ones where none is named.
    pub from: Vec<String>,
    pub detect: bool,
    pub private: bool,
    /// The only provider that may be asked.
    pub provider: Option<String>,
    pub model: Option<String>,
    pub max_attempts: Option<u32>,
}

/// The type of tasks that make vectors.
const EMBED: &str = "embed";

pub fn enrich(raw: RawEnrich, overrides: &Overrides, env: Env) -> Result<Enrich> {
    let RawEnrich {
        window_seconds,
        concurrency,
        lease_seconds,
        cache_hours,
        memories,
        detect,
        providers,
        tasks,
    } = raw;
    let detect = detect.unwrap_or(true);
    let settings = Enrich {
        window: Duration::from_secs(overrides.enrich_window.or(window_seconds).unwrap_or(60)),
        concurrency: concurrency.unwrap_or(4).clamp(1, 64),
        lease: Duration::from_secs(lease_seconds.unwrap_or(120).max(1)),
        cache: Duration::from_hours(cache_hours.unwrap_or(24)),
        memories: memories.unwrap_or(5),
        detect,
        providers: providers.into_iter().map(|raw| provider(raw, env)).collect::<Result<_>>()?,
        tasks: tasks
            .into_iter()
            .map(|(name, raw)| (name.clone(), task(name, raw, detect)))
            .collect(),
    };
    check_names(&settings)?;
    check_embeddings(&settings)?;
    Ok(settings)
}

fn check_names(settings: &Enrich) -> Result<()> {
    for (index, provider) in settings.providers.iter().enumerate() {
        if settings.providers[..index].iter().any(|other| other.name == provider.name) {
            let what = format!("two providers are called \"{}\"", provider.name);
            return Err(invalid("enrich.providers", &what, "give one of them another name"));
        }
    }
    for (task, settings_of) in &settings.tasks {
        let Some(name) = &settings_of.provider else { continue };
        if !settings.providers.iter().any(|provider| provider.name == *name) {
            let what = format!("there is no provider \"{name}\"");
            let key = format!("enrich.tasks.{task}.provider");
            return Err(invalid(&key, &what, "name one of enrich.providers"));
        }
    }
    Ok(())
}

/// The vectors of one job would take the place of another's, and be made anew at each run.
fn check_embeddings(settings: &Enrich) -> Result<()> {
    let embeddings = || settings.tasks.iter().filter(|(_, task)| task.kind == EMBED);
    for (index, (name, task)) in embeddings().enumerate() {
        let former =
            embeddings().take(index).find(|(_, other)| other.collection == task.collection);
        if let (Some((former, _)), Some(collection)) = (former, &task.collection) {
            let what =
                format!("enrich.tasks.{former} embeds the collection \"{collection}\" already");
            return Err(invalid(&format!("enrich.tasks.{name}"), &what, "keep one of them"));
        }
    }
    Ok(())
}

fn task(name: String, raw: RawTask, detects: bool) -> TaskSettings {
    let RawTask { kind, collection, column, from, detect, private, provider, model, max_attempts } =
        raw;
    TaskSettings {
        kind: kind.unwrap_or(name),
        collection,
        column,
        from,
        detect: detect.unwrap_or(detects),
        private: private.unwrap_or(false),
        provider,
        model,
        max_attempts,
    }
}

/// What a kind of provider is where the file says nothing.
struct Usual {
    base_url: Option<&'static str>,
    key_env: Option<&'static str>,
    model: Option<&'static str>,
    private: bool,
}

impl ProviderKind {
    fn usual(self) -> Usual {
        match self {
            Self::Groq => Usual {
                base_url: Some("https://api.groq.com/openai/v1"),
                key_env: Some("GROQ_API_KEY"),
                model: Some("openai/gpt-oss-20b"),
                private: false,
            },
            Self::HuggingFace => Usual {
                base_url: Some("https://router.huggingface.co"),
                key_env: Some("HF_TOKEN"),
                model: None,
                private: false,
            },
            // On a machine of one's own, as a rule.
            Self::Llama => Usual {
                base_url: Some("http://127.0.0.1:8080"),
                key_env: None,
                model: Some("default"),
                private: true,
            },
            Self::OpenAi => Usual { base_url: None, key_env: None, model: None, private: false },
        }
    }
}

fn provider(raw: RawProvider, env: Env) -> Result<Provider> {
    const KEY: &str = "enrich.providers";
    let kind = match raw.kind.as_str() {
        "groq" => ProviderKind::Groq,
        "hugging_face" => ProviderKind::HuggingFace,
        "llama" => ProviderKind::Llama,
        "openai" => ProviderKind::OpenAi,
        other => {
            return Err(invalid(
                KEY,
                &format!("\"{other}\" is not a kind of provider"),
                "write \"groq\", \"hugging_face\", \"llama\" or \"openai\" (any server of that protocol)",
            ));
        }
    };
    let usual = kind.usual();
    let base = raw.base_url.or_else(|| usual.base_url.map(str::to_owned));
    let base = base.ok_or_else(|| {
        invalid(
            KEY,
            "an \"openai\" provider has no base_url",
            "write it like base_url = \"https://models.example/v1\"",
        )
    })?;
    let base_url = Url::parse(base.trim_end_matches('/')).ok();
    let base_url = base_url.filter(|url| matches!(url.scheme(), "http" | "https"));
    let base_url = base_url.ok_or_else(|| {
        invalid(
            KEY,
            &format!("\"{base}\" is no http or https address"),
            "write it like https://models.example/v1",
        )
    })?;
    let key_env = raw.key_env.or_else(|| usual.key_env.map(str::to_owned));
    let key = key_env.as_deref().and_then(env).filter(|key| !key.trim().is_empty());
    Ok(Provider {
        name: raw.name.unwrap_or(raw.kind),
        kind,
        base_url,
        key: key.map(|key| Secret::new(key.trim())),
        key_env,
        model: raw.model.or_else(|| usual.model.map(str::to_owned)),
        embedding_model: raw.embedding_model,
        private: raw.private.unwrap_or(usual.private),
        json_schema: raw.json_schema.unwrap_or(true),
        code: raw.code.unwrap_or(false),
        requests_per_minute: raw.requests_per_minute,
        requests_per_day: raw.requests_per_day,
        timeout: Duration::from_secs(raw.timeout_seconds.unwrap_or(30).max(1)),
        cost_in: raw.cost_in,
        cost_out: raw.cost_out,
    })
}
