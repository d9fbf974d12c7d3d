//! Task types: what a model is asked, what it must answer, and what becomes of it. One file each,
//! and one line in [`ALL`].

mod alt_text;
mod describe;
mod embed;
mod job;
mod names;
mod reflect;
mod seo_meta;
mod text;

use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

pub use self::job::{Job, Scope, Subject};
use super::ask::Asker;
use super::router::Image;
use super::{Claimed, Effect, Failure, FailureKind, Perform, Provenance, SharedConnection, Write};
use crate::config::{Config, TaskSettings};
use crate::error::{Result, nearest};

const ALL: &[&dyn TaskType] = &[
    &describe::Describe,
    &names::Names,
    &seo_meta::SeoMeta,
    &alt_text::AltText,
    &embed::Embed,
    &reflect::Reflect,
];

/// A type of task on one row of a collection.
pub trait TaskType: Send + Sync {
    fn name(&self) -> &'static str;

    /// What it is about.
    fn scope(&self) -> Scope {
        Scope::Row
    }

    /// What is asked of a model; where nothing is to be asked, why not.
    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String>;

    /// What the answer, which fits the schema, changes.
    fn writes(
        &self,
        job: &Job,
        subject: &Subject,
        answer: &Value,
        by: &Provenance,
    ) -> Result<Vec<Write>, String>;

    /// A hash of what the task would be about, to tell whether that changed.
    fn hash(&self, job: &Job, subject: &Subject) -> String {
        blake3::hash(subject.lines(&job.from, None).as_bytes()).to_hex().to_string()
    }

    /// Whether a row lacks what this task would give it.
    fn is_wanted(&self, job: &Job, subject: &Subject) -> bool {
        job.column.as_ref().is_some_and(|column| subject.is_empty(column))
    }
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    Chat {
        system: String,
        user: String,
        schema: Value,
        max_tokens: u32,
        /// What is to be looked at, by those who see.
        images: Vec<Image>,
    },
    Embedding {
        text: String,
    },
}

/// The names of all task types.
pub fn known() -> Vec<&'static str> {
    ALL.iter().map(|task| task.name()).collect()
}

/// The task type of a name.
pub fn by_name(name: &str) -> Option<&'static dyn TaskType> {
    ALL.iter().copied().find(|task| task.name() == name)
}

/// Whether tasks of this type make vectors.
pub fn is_embedding(name: &str) -> bool {
    name == embed::Embed.name()
}

/// What is wrong with a type's name, if anything.
pub fn unknown(name: &str) -> Option<String> {
    if by_name(name).is_some() {
        return None;
    }
    let near = nearest(name, known());
    let near = near.map_or_else(String::new, |near| format!(": did you mean \"{near}\"?"));
    Some(format!("there is no task type \"{name}\"{near}"))
}

fn find(name: &str) -> Result<&'static dyn TaskType, String> {
    by_name(name).ok_or_else(|| {
        let what = unknown(name).unwrap_or_default();
        format!("{what}; known are {}", known().join(", "))
    })
}

/// Everything that tasks need, shared by all of one process.
pub struct Tasks {
    config: Config,
    connection: SharedConnection,
    asker: Asker,
    run_id: Uuid,
}

impl Perform for Tasks {
    async fn perform(&self, task: &Claimed, deadline: Instant) -> Result<Effect, Failure> {
        let last = |message: String| Failure::new(FailureKind::Final, message);
        let kind = find(&task.task_type).map_err(last)?;
        let job = Job::of(&self.config, task).map_err(last)?;
        let subject = Subject::of(kind.scope(), &self.connection, &job, task, self.run_id).await?;
        let question = match kind.question(&job, &subject) {
            Ok(question) => question,
            Err(nothing) => {
                return Ok(Effect { result: json!({"nothing": nothing}), ..Effect::default() });
            }
        };
        match question {
            Asked::Embedding { text } => self.embed(&job, &subject, &text, task, deadline).await,
            Asked::Chat { .. } => {
                let answered = self.asker.ask(&job, task, &question, deadline).await?;
                let writes = kind.writes(&job, &subject, &answered.value, &answered.by);
                let writes = writes.map_err(|message| answered.refused(message))?;
                Ok(answered.effect(task, &job, &subject, writes))
            }
        }
    }
}

impl Tasks {
    pub fn new(config: &Config, connection: SharedConnection, run_id: Uuid) -> Result<Self> {
        let asker = Asker::new(&config.enrich, SharedConnection::clone(&connection))?;
        Ok(Self { config: config.clone(), connection, asker, run_id })
    }

    /// The model that embeddings are made with now; empty where nobody makes any.
    pub fn embedding_model(&self) -> String {
        self.asker.embedding_model()
    }

    /// The same of a job, which may be private or name a provider.
    pub fn embedding_model_of(&self, settings: &TaskSettings) -> String {
        self.asker.embedding_model_of(settings.private, settings.provider.as_deref())
    }

    /// Writes down what the next run is to know.
    pub async fn end(&self) -> Result<()> {
        self.asker.end().await
    }

    async fn embed(
        &self,
        job: &Job,
        subject: &Subject,
        text: &str,
        task: &Claimed,
        deadline: Instant,
    ) -> Result<Effect, Failure> {
        let row_id = subject.id.parse().map_err(|_| {
            Failure::new(
                FailureKind::Final,
                format!("{} has no uuid for its id", job.target(subject)),
            )
        })?;
        let embedded = self.asker.embed(job, task, text, deadline).await?;
        let write = Write::Embedding {
            collection: job.collection.clone(),
            row_id,
            content_hash: embed::Embed.hash(job, subject),
            vector: embedded.vector,
            model: embedded.model.clone(),
        };
        let result = json!({"model": embedded.model});
        Ok(Effect { result, writes: vec![write], calls: embedded.calls, ..Effect::default() })
    }

    /// What a task would ask, and of whom.
    pub async fn preview(&self, task: &Claimed) -> String {
        let prepared = async {
            let kind = find(&task.task_type)?;
            let job = Job::of(&self.config, task)?;
            let subject =
                Subject::of(kind.scope(), &self.connection, &job, task, self.run_id).await;
            let subject = subject.map_err(|failure| failure.message)?;
            Ok((kind.question(&job, &subject)?, job))
        };
        match prepared.await {
            Ok((question, job)) => self.asker.preview(&job, task, &question),
            Err::<_, String>(why) => format!("nothing would be asked: {why}"),
        }
    }
}
