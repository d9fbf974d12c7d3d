//! Enrichment: tasks of a queue in the database, done by models before the site is rendered. A
//! task is carried out at least once; what is recorded of it, exactly once.

pub mod ask;
pub mod detect;
pub mod embedding;
mod json;
pub mod memory;
pub mod provider;
pub mod queue;
pub mod record;
pub mod revert;
pub mod router;
pub mod run;
pub mod schema;
pub mod task;
pub mod worker;

use std::future::Future;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::Error;

/// For what the next try, or a new worker, may do well.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A task as a worker holds it.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: Uuid,
    pub task_type: String,
    /// What it is about, as in `projects/<id>`; one live task of a type for each.
    pub target: Option<String>,
    pub payload: Value,
    /// Why the payload cannot be read, which is null then: Postgres takes numbers and depths that
    /// nothing else does.
    pub unreadable: Option<String>,
    /// Only providers marked private may see the payload.
    pub is_private: bool,
    /// Which attempt this is, from 1. A worker whose number is no longer the task's has lost it.
    pub attempts: i32,
    pub max_attempts: i32,
    /// When it was claimed, by the database's clock. With the attempt it tells this claim from all
    /// others: a task that was cancelled and tried again counts its attempts anew.
    pub claimed_at: DateTime<Utc>,
}

impl Claimed {
    /// A payload as the database writes it, or why it is none.
    pub fn payload_of(text: &str) -> (Value, Option<String>) {
        match serde_json::from_str(text) {
            Ok(payload) => (payload, None),
            Err(error) => (Value::Null, Some(format!("the payload cannot be read: {error}"))),
        }
    }
}

/// A picture that goes with a question.
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    /// As in `image/jpeg`.
    pub media_type: &'static str,
    pub bytes: std::sync::Arc<[u8]>,
}

/// What a finished task leaves, all of it in one transaction.
#[derive(Debug, Clone, Default)]
pub struct Effect {
    /// The task's own result, for people.
    pub result: Value,
    /// Changes of content.
    pub writes: Vec<Write>,
    /// Values of people that nobody was asked for.
    pub kept: Vec<record::Kept>,
    pub calls: Vec<Call>,
    pub answers: Vec<CachedAnswer>,
    pub memories: Vec<NewMemory>,
    /// What was retrieved into the prompt.
    pub context: Option<Context>,
}

/// Why a task did not succeed this time.
#[derive(Debug, Clone)]
pub struct Failure {
    pub message: String,
    pub kind: FailureKind,
    /// The calls that were made all the same.
    pub calls: Vec<Call>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Another attempt may succeed: backoff, up to the task's attempts.
    Retry,
    /// Nobody can be asked now: not the task's fault, so that no attempt is used up. It is due
    /// again after this.
    Unavailable(Duration),
    /// The same, because all who could be asked are down: a run does not wait for that.
    Down(Duration),
    /// Somebody was asked, and did not manage, which may be the question's fault: the same, and
    /// every fifth time it uses up an attempt.
    Faulty(Duration),
    /// No attempt can succeed: an unknown type, a payload that makes no sense, a row that is gone.
    Final,
}

/// A change of content that a task asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// One column of one row.
    Field {
        table: String,
        /// The row's primary key, by column.
        key: serde_json::Map<String, Value>,
        column: String,
        value: Value,
        /// Write even where somebody has put a value meanwhile.
        overwrite: bool,
        by: Provenance,
    },
    /// A new row, unless one with the same values in these columns is there.
    Row {
        table: String,
        fields: serde_json::Map<String, Value>,
        unless: Vec<String>,
        by: Provenance,
    },
    Embedding {
        collection: String,
        row_id: Uuid,
        content_hash: String,
        vector: Vec<f32>,
        model: String,
    },
}

/// Who wrote a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Provenance {
    pub provider: String,
    pub model: String,
    pub prompt_hash: Option<String>,
}

/// One call of a model, successful or not, or an answer from the cache: a row of `agent_run_logs`.
#[derive(Debug, Clone, Default)]
pub struct Call {
    pub provider: String,
    pub model: String,
    pub prompt_hash: Option<String>,
    pub is_cached: bool,
    pub input: Value,
    pub output: Value,
    pub tokens_in: Option<i32>,
    pub tokens_out: Option<i32>,
    pub latency: Duration,
    pub cost: Option<f64>,
    pub error: Option<Value>,
    /// Made for a private task.
    pub is_private: bool,
    /// Why this provider was chosen.
    pub reason: String,
}

/// An answer to keep for the next time the same is asked.
#[derive(Debug, Clone)]
pub struct CachedAnswer {
    /// SHA-256 of who was asked and what, in hexadecimal.
    pub prompt_hash: String,
    pub response: String,
    pub provider: String,
    pub model: String,
    /// Given to a private task, and for no other.
    pub is_private: bool,
    pub ttl: Duration,
}

#[derive(Debug, Clone)]
pub struct NewMemory {
    pub agent_id: String,
    /// `observation`, `reasoning`, `action` or `reflection`.
    pub thought_type: &'static str,
    pub content: String,
    pub vector: Vec<f32>,
    pub embedding_model: String,
    pub metadata: Value,
}

#[derive(Debug, Clone)]
pub struct Context {
    pub agent_id: String,
    pub query: String,
    pub response: String,
    pub memory_ids: Vec<Uuid>,
}

/// Does the work of a task, without a transaction.
pub trait Perform: Send + Sync {
    fn perform(
        &self,
        task: &Claimed,
        deadline: Instant,
    ) -> impl Future<Output = Result<Effect, Failure>> + Send;
}

impl Failure {
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { message: message.into(), kind, calls: Vec::new() }
    }

    /// The database did not give what the task needs. Where it is away, that is not the task's fault.
    pub fn of_database(error: &Error) -> Self {
        let kind = match error.absence() {
            Some(_) => FailureKind::Unavailable(AT_ONCE),
            None => FailureKind::Retry,
        };
        Self::new(kind, error.chain().join(": "))
    }
}

/// The connection that a process's tasks share: the embedded database has one. It is held for a
/// transaction, and never while something else is waited for.
pub type SharedConnection = std::sync::Arc<tokio::sync::Mutex<sqlx::PgConnection>>;
