//! `[enrich]`: which models may be asked, and what for.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use indexmap::IndexMap;
use url::{Host, Url};

use super::check::{Env, invalid};
use super::raw::{RawEnrich, RawProvider, RawTask};
use super::{Overrides, Secret};
use crate::error::Result;

/// The embeddings that frieze makes itself are this provider's.
const BUILT_IN: &str = "built-in";
/// What the log of calls says where nobody is asked.
const NOBODY: &str = "none";

const DAY: u64 = 24 * 60 * 60;

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
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself, as in the file")]
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
    /// Whether it looks at images.
    pub vision: bool,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Its answers are bound to a JSON schema, not only asked to keep to it.
    JsonSchema,
    Code,
    Vision,
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
    /// What a provider must be able to, to be asked.
    pub needs: Vec<Capability>,
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
    let number = |name, value, usual, range| number(&format!("enrich.{name}"), value, usual, range);
    let settings = Enrich {
        window: Duration::from_secs(number(
            "window_seconds",
            overrides.enrich_window.or(window_seconds),
            60,
            0..=7 * DAY,
        )?),
        concurrency: size(number("concurrency", concurrency, 4, 1..=64)?),
        lease: Duration::from_secs(number("lease_seconds", lease_seconds, 120, 1..=DAY)?),
        cache: Duration::from_hours(number("cache_hours", cache_hours, 24, 0..=100_000)?),
        memories: size(number("memories", memories, 5, 0..=100)?),
        detect,
        providers: providers.into_iter().map(|raw| provider(raw, env)).collect::<Result<_>>()?,
        tasks: tasks
            .into_iter()
            .map(|(name, raw)| Ok((name.clone(), task(name, raw, detect)?)))
            .collect::<Result<_>>()?,
    };
    check_names(&settings)?;
    check_embeddings(&settings)?;
    Ok(settings)
}

/// A number that is within what makes sense.
fn number(key: &str, value: Option<u64>, usual: u64, range: RangeInclusive<u64>) -> Result<u64> {
    let value = value.unwrap_or(usual);
    if range.contains(&value) {
        return Ok(value);
    }
    let (least, most) = (range.start(), range.end());
    let what = format!("{value} is out of range");
    Err(invalid(key, &what, &format!("write a number from {least} to {most}")))
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn check_names(settings: &Enrich) -> Result<()> {
    for (index, provider) in settings.providers.iter().enumerate() {
        let name = &provider.name;
        if settings.providers[..index].iter().any(|other| other.name == *name) {
            let what = format!("two providers are called \"{name}\"");
            return Err(invalid("enrich.providers", &what, "give one of them another name"));
        }
        if name == BUILT_IN || name == NOBODY {
            let what = format!("\"{name}\" is the name of something else");
            return Err(invalid("enrich.providers", &what, "give it another name"));
        }
    }
    for (task, settings_of) in &settings.tasks {
        let Some(name) = &settings_of.provider else { continue };
        let key = format!("enrich.tasks.{task}.provider");
        if name == BUILT_IN {
            if settings_of.kind != "embed" {
                let what = format!("\"{BUILT_IN}\" makes embeddings, and answers no questions");
                return Err(invalid(&key, &what, "name one of enrich.providers"));
            }
        } else if !settings.providers.iter().any(|provider| provider.name == *name) {
            let what = format!("there is no provider \"{name}\"");
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

fn task(name: String, raw: RawTask, detects: bool) -> Result<TaskSettings> {
    let RawTask {
        kind,
        collection,
        column,
        from,
        detect,
        private,
        needs,
        provider,
        model,
        max_attempts,
    } = raw;
    let key = format!("enrich.tasks.{name}");
    let most =
        max_attempts.map(|most| number(&format!("{key}.max_attempts"), Some(most), 0, 1..=100));
    Ok(TaskSettings {
        kind: kind.unwrap_or(name),
        collection,
        column,
        from,
        detect: detect.unwrap_or(detects),
        private: private.unwrap_or(false),
        needs: needs.iter().map(|need| capability(&key, need)).collect::<Result<_>>()?,
        provider,
        model,
        max_attempts: most.transpose()?.and_then(|most| u32::try_from(most).ok()),
    })
}

fn capability(key: &str, name: &str) -> Result<Capability> {
    match name {
        "json_schema" => Ok(Capability::JsonSchema),
        "code" => Ok(Capability::Code),
        "vision" => Ok(Capability::Vision),
        other => Err(invalid(
            &format!("{key}.needs"),
            &format!("\"{other}\" is nothing that a provider can be marked with"),
            "write \"json_schema\", \"code\" or \"vision\"",
        )),
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
            // On this machine, as a rule.
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

const PROVIDERS: &str = "enrich.providers";

fn kind_of(name: &str) -> Result<ProviderKind> {
    match name {
        "groq" => Ok(ProviderKind::Groq),
        "hugging_face" => Ok(ProviderKind::HuggingFace),
        "llama" => Ok(ProviderKind::Llama),
        "openai" => Ok(ProviderKind::OpenAi),
        other => Err(invalid(
            PROVIDERS,
            &format!("\"{other}\" is not a kind of provider"),
            "write \"groq\", \"hugging_face\", \"llama\" or \"openai\" (any server of that protocol)",
        )),
    }
}

/// The address as written, or the usual one of its kind.
fn base_url(written: Option<&str>, usual: &Usual) -> Result<Url> {
    let base = written.or(usual.base_url).ok_or_else(|| {
        invalid(
            PROVIDERS,
            "an \"openai\" provider has no base_url",
            "write it like base_url = \"https://models.example/v1\"",
        )
    })?;
    let url = Url::parse(base.trim_end_matches('/')).ok();
    url.filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(|| {
        invalid(
            PROVIDERS,
            &format!("\"{}\" is no http or https address", shown(base)),
            "write it like https://models.example/v1",
        )
    })
}

/// No key goes to another machine in the clear, unless the file says that it may.
fn check_secrecy(raw: &RawProvider, url: &Url, key_env: Option<&str>) -> Result<()> {
    let has_secret = key_env.is_some() || url.password().is_some();
    let is_open = url.scheme() == "http" && !is_on_this_machine(url);
    if !has_secret || !is_open || raw.insecure.unwrap_or(false) {
        return Ok(());
    }
    // Without what may be a password in it.
    let host = url.host_str().unwrap_or_default();
    let what = format!("a key would go to http://{host} unencrypted");
    let help = "write an https address; key_env = \"\" if it needs no key; or insecure = true \
                where nobody else is on the way to it";
    Err(invalid(PROVIDERS, &what, help))
}

fn provider(raw: RawProvider, env: Env) -> Result<Provider> {
    let kind = kind_of(&raw.kind)?;
    let usual = kind.usual();
    let base_url = base_url(raw.base_url.as_deref(), &usual)?;
    let key_env = raw.key_env.clone().or_else(|| usual.key_env.map(str::to_owned));
    let key_env = key_env.filter(|name| !name.is_empty());
    check_secrecy(&raw, &base_url, key_env.as_deref())?;
    let key = key_env.as_deref().and_then(env).filter(|key| !key.trim().is_empty());
    let name = raw.name.unwrap_or(raw.kind);
    let number =
        |what, value, range| number(&format!("{PROVIDERS}: {name}: {what}"), Some(value), 0, range);
    let limit = |what, value: Option<u64>| -> Result<Option<u32>> {
        let value = value.map(|value| number(what, value, 1..=u64::from(u32::MAX)));
        Ok(value.transpose()?.and_then(|value| u32::try_from(value).ok()))
    };
    let timeout = number("timeout_seconds", raw.timeout_seconds.unwrap_or(30), 1..=3600)?;
    Ok(Provider {
        kind,
        key: key.map(|key| Secret::new(key.trim())),
        key_env,
        model: raw.model.or_else(|| usual.model.map(str::to_owned)),
        embedding_model: raw.embedding_model,
        // Elsewhere it is somebody else's, as far as anybody can tell.
        private: raw.private.unwrap_or(usual.private && is_on_this_machine(&base_url)),
        json_schema: raw.json_schema.unwrap_or(true),
        code: raw.code.unwrap_or(false),
        vision: raw.vision.unwrap_or(false),
        requests_per_minute: limit("requests_per_minute", raw.requests_per_minute)?,
        requests_per_day: limit("requests_per_day", raw.requests_per_day)?,
        timeout: Duration::from_secs(timeout),
        cost_in: price(&name, "cost_in", raw.cost_in)?,
        cost_out: price(&name, "cost_out", raw.cost_out)?,
        base_url,
        name,
    })
}

fn price(name: &str, what: &str, price: Option<f64>) -> Result<Option<f64>> {
    if price.is_none_or(|price| (0.0..=1e9).contains(&price)) {
        return Ok(price);
    }
    let key = format!("enrich.providers: {name}: {what}");
    Err(invalid(&key, "it is no price", "write a number from 0 to a billion"))
}

/// An address without what may be secret in it: a password, or a key in its query.
fn shown(base: &str) -> String {
    let scheme = base.find("://").map_or("", |end| &base[..end + 3]);
    let (hidden, place) = match base.rfind('@') {
        Some(at) => ("…", &base[at..]),
        None => ("", &base[scheme.len()..]),
    };
    let scheme = if scheme.contains('@') { "" } else { scheme };
    let end = place.find(['?', '#']);
    let rest = if end.is_some() { "…" } else { "" };
    format!("{scheme}{hidden}{}{rest}", &place[..end.unwrap_or(place.len())])
}

/// Whether what is sent there leaves this machine. Other names below `localhost` may be somebody's.
fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.') == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        None => false,
    }
}
