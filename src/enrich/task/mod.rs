//! Task types: what a model is asked, what it must answer, and what becomes of it. One file each,
//! and one line in [`ALL`].

mod alt_text;
mod describe;
mod embed;
mod job;
mod names;
mod payload;
mod picture;
mod ready;
mod reflect;
mod seo_meta;
mod subject;
mod text;
mod words;

use std::time::Instant;

use serde_json::{Value, json};
use uuid::Uuid;

pub use self::job::Job;
pub use self::ready::{NAMES, check_row, ready};
pub use self::subject::{MOST_LACKING, MOST_NAMES, Scope, Subject, row_id};
use super::ask::Asker;
use super::record::{Kept, Stop, field};
use super::{
    Claimed, Effect, Failure, FailureKind, Image, Perform, Provenance, SharedConnection, Write,
};
use crate::config::Config;
use crate::error::{Result, nearest};

const ALL: &[&dyn TaskType] = &[
    &describe::Describe,
    &names::Names,
    &seo_meta::SeoMeta,
    &alt_text::AltText,
    &embed::Embed,
    &reflect::Reflect,
];

/// A type of task. A new one is a file beside this one, and a line in [`ALL`]: a name, a question
/// with the schema of its answer, and what the answer changes. The rest has a usual meaning.
pub trait TaskType: Send + Sync {
    fn name(&self) -> &'static str;

    /// What it is about.
    fn scope(&self) -> Scope {
        Scope::Row
    }

    /// What is asked of a model; where nothing is to be asked, why not. It may read files.
    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String>;

    /// What the answer, which fits the schema, changes.
    fn writes(
        &self,
        job: &Job,
        subject: &Subject,
        answer: &Value,
        by: &Provenance,
    ) -> Result<Vec<Write>, String>;

    /// A hash of what the task would learn from, to tell whether that changed.
    fn hash(&self, job: &Job, subject: &Subject) -> String {
        let lines = subject.lines(&job.from, job.column.as_deref());
        blake3::hash(lines.as_bytes()).to_hex().to_string()
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

/// A hash of a text that is embedded and of the model that does it.
pub fn embedding_hash(text: &str, model: &str) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(model.as_bytes()).update(b"\n").update(text.as_bytes());
    hash.finalize().to_hex().to_string()
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
        if let Some(kept) = self.persons(kind, &job, &subject).await? {
            return Ok(Effect { kept: vec![kept], ..Effect::default() });
        }
        let (question, job, subject) = question(kind, job, subject).await.map_err(last)?;
        let question = match question {
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

    /// Learns what former runs left.
    pub async fn begin(&self) {
        self.asker.begin().await;
    }

    /// Writes down what the next run is to know.
    pub async fn end(&self) -> Result<()> {
        self.asker.end().await
    }

    /// What a person has put meanwhile where the task would write: nobody is asked for it then.
    async fn persons(
        &self,
        kind: &dyn TaskType,
        job: &Job,
        subject: &Subject,
    ) -> Result<Option<Kept>, Failure> {
        let Some(column) = job.column.as_ref().filter(|column| {
            kind.scope() == Scope::Row
                && !job.overwrite
                && subject.fields.contains_key(*column)
                && !subject.is_empty(column)
        }) else {
            return Ok(None);
        };
        let mut connection = self.connection.lock().await;
        let kept = field::persons(&mut connection, &job.table, &subject.key(), column).await;
        kept.map_err(|stop| match stop {
            Stop::Refused(kind, why) => Failure::new(kind, why),
            Stop::Again(error) | Stop::Broken(error) => Failure::of_database(&error),
        })
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
                format!("{} has no uuid for its id", job.target(&subject.id)),
            )
        })?;
        let embedded = self.asker.embed(job, task, text, deadline).await?;
        let write = Write::Embedding {
            collection: job.collection.clone(),
            row_id,
            content_hash: embedding_hash(text, &embedded.model),
            vector: embedded.vector,
            model: embedded.model.clone(),
        };
        let result = json!({"model": embedded.model});
        Ok(Effect { result, writes: vec![write], calls: embedded.calls, ..Effect::default() })
    }

    /// What a task would ask, and of whom.
    pub async fn preview(&self, task: &Claimed) -> String {
        let prepared = async {
            if let Some(why) = &task.unreadable {
                return Err(why.clone());
            }
            let kind = find(&task.task_type)?;
            let job = Job::of(&self.config, task)?;
            let subject =
                Subject::of(kind.scope(), &self.connection, &job, task, self.run_id).await;
            let subject = subject.map_err(|failure| failure.message)?;
            let (question, job, _) = question(kind, job, subject).await?;
            Ok((question?, job))
        };
        match prepared.await {
            Ok((question, job)) => self.asker.preview(&job, task, &question),
            Err::<_, String>(why) => format!("nothing would be asked: {why}"),
        }
    }
}

/// Asks a task type for its question, where reading a file holds nobody up.
async fn question(
    kind: &'static dyn TaskType,
    job: Job,
    subject: Subject,
) -> Result<(Result<Asked, String>, Job, Subject), String> {
    let prepare = move || (kind.question(&job, &subject), job, subject);
    tokio::task::spawn_blocking(prepare).await.map_err(|_| "the question broke off".to_owned())
}

#[cfg(test)]
mod tests;
