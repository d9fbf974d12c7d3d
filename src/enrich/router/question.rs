//! What is asked, and what comes back.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::enrich::embedding::Purpose;
use crate::enrich::{Call, Failure, FailureKind, Image, schema};

/// A question whose answer is a value of a certain shape.
#[derive(Debug, Clone)]
pub struct Question {
    pub system: String,
    pub user: String,
    /// The schema's name: letters, digits, `_` and `-`.
    pub name: String,
    pub schema: Value,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// Shown to those who see; the others are told the same in words only.
    pub images: Vec<Image>,
    pub need: Need,
}

/// What a provider must be or have, to be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct Need {
    /// Only who is marked private.
    pub private: bool,
    /// Only who can bind an answer to a schema.
    pub json_schema: bool,
    /// Only who is marked good at code.
    pub code: bool,
    /// Only who looks at images.
    pub vision: bool,
    /// Only this one.
    pub provider: Option<String>,
    /// This model instead of a provider's own. For embeddings: only providers that make them with
    /// this model, unless a provider is named.
    pub model: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Answered {
    /// What the schema allows.
    pub value: Value,
    /// Word for word.
    pub text: String,
    pub provider: String,
    pub model: String,
    /// Every attempt; the last one succeeded.
    pub calls: Vec<Call>,
}

#[derive(Debug, Clone, Default)]
pub struct Embedded {
    pub vectors: Vec<Vec<f32>>,
    pub model: String,
    pub provider: String,
    pub calls: Vec<Call>,
}

#[derive(Debug, Clone)]
pub struct Refused {
    pub kind: FailureKind,
    pub message: String,
    pub calls: Vec<Call>,
}

/// Whether somebody would be asked, and why or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub provider: String,
    pub model: String,
    pub able: bool,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    Chat,
    Embedding,
}

pub enum Job<'a> {
    Chat(&'a Question),
    Embed(&'a [String], Purpose),
}

impl Question {
    /// The value in what a model said, or why there is none: for answers from the cache, too.
    pub fn value(&self, text: &str) -> Result<Value, String> {
        let value: Value = serde_json::from_str(unfenced(text))
            .map_err(|error| format!("gave an answer that is not JSON: {error}"))?;
        let value = schema::without_nulls(&self.schema, value);
        schema::check(&self.schema, &value)
            .map_err(|why| format!("gave an answer of the wrong shape: {why}"))?;
        Ok(value)
    }
}

impl Image {
    /// As the log of calls keeps it: never the picture itself.
    fn row(&self) -> Value {
        json!({
            "media_type": self.media_type,
            "bytes": self.bytes.len(),
            "sha256": format!("{:x}", Sha256::digest(&self.bytes)),
        })
    }
}

impl std::fmt::Debug for Image {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.media_type, self.bytes.len())
    }
}

/// Models that are not bound to a schema like to put a fence around JSON.
fn unfenced(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    inside.and_then(|inside| inside.strip_suffix("```")).map_or(text, str::trim)
}

impl Job<'_> {
    pub fn work(&self) -> Work {
        match self {
            Job::Chat(_) => Work::Chat,
            Job::Embed(..) => Work::Embedding,
        }
    }

    /// About how many tokens it takes, its answer included.
    pub fn tokens(&self) -> u64 {
        let characters = |text: &str| text.len() as u64 / 4;
        match self {
            Job::Chat(question) => {
                let said = characters(&question.system) + characters(&question.user);
                said + u64::from(question.max_tokens)
            }
            Job::Embed(texts, _) => texts.iter().map(|text| characters(text)).sum(),
        }
    }

    /// What is asked, as the log of calls keeps it.
    pub fn input(&self) -> Value {
        match self {
            Job::Chat(question) => {
                let mut input = json!({
                    "system": question.system,
                    "user": question.user,
                    "schema": question.name,
                    "max_tokens": question.max_tokens,
                });
                if !question.images.is_empty() {
                    input["images"] = question.images.iter().map(Image::row).collect();
                }
                input
            }
            Job::Embed(texts, _) => counted(texts),
        }
    }
}

pub fn counted(texts: &[String]) -> Value {
    let characters: usize = texts.iter().map(|text| text.chars().count()).sum();
    json!({"texts": texts.len(), "characters": characters})
}

impl Refused {
    pub fn new(kind: FailureKind, message: impl Into<String>, calls: Vec<Call>) -> Self {
        Self { kind, message: message.into(), calls }
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        let Refused { kind, message, calls } = refused;
        Self { message, kind, calls }
    }
}

/// SHA-256 of who is asked, of what model, whether in private, and all that is asked, in
/// hexadecimal: two servers may call different models the same.
pub fn prompt_hash(provider: &str, model: &str, question: &Question) -> String {
    let Question { system, user, name, schema, max_tokens, images, need } = question;
    let private = if need.private { "private" } else { "" };
    let (schema, max_tokens) = (schema.to_string(), max_tokens.to_string());
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        // Its length first: no two questions are the same bytes.
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    };
    for part in [provider, model, private, system, user, name, &schema, &max_tokens] {
        add(part.as_bytes());
    }
    for image in images {
        add(image.media_type.as_bytes());
        add(&image.bytes);
    }
    format!("{:x}", hash.finalize())
}
