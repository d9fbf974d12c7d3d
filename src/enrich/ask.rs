//! Asking once: the response cache first, then the router, with the nearest memories in the prompt.

mod cache;
mod recall;
mod vectors;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

pub use self::recall::Searched;
use self::recall::{Remembered, brief, words};
use self::vectors::TooWide;
use super::embedding::Purpose;
use super::router::{Answered, Need, Question, Router, Work, prompt_hash};
use super::task::{Asked, Job, Subject};
use super::{
    CachedAnswer, Call, Claimed, Context, Effect, Failure, FailureKind, NewMemory, Provenance,
    SharedConnection, Write, memory,
};
use crate::config::{Capability, Enrich};
use crate::error::Result;

/// Asks models on behalf of tasks.
pub struct Asker {
    settings: Enrich,
    router: Router,
    connection: SharedConnection,
    /// Whether the database has tables for vectors, once it was asked.
    has_vectors: OnceCell<bool>,
    too_wide: TooWide,
}

/// An answer, with all that is to be recorded of it.
pub struct Answer {
    pub value: Value,
    pub by: Provenance,
    calls: Vec<Call>,
    /// To keep, where it was not in the cache already.
    kept: Option<CachedAnswer>,
    context: Option<Context>,
    memory: Option<Remembered>,
    is_private: bool,
}

/// A vector, with the calls that led to it.
pub struct Vector {
    pub vector: Vec<f32>,
    pub model: String,
    pub calls: Vec<Call>,
}

const MEMORY: Duration = Duration::from_secs(10);
/// Characters of a question that a memory of it repeats.
const REPEATED: usize = 300;

impl Asker {
    pub fn new(settings: &Enrich, connection: SharedConnection) -> Result<Self> {
        let (router, has_vectors) = (Router::new(settings)?, OnceCell::new());
        let too_wide = TooWide::default();
        Ok(Self { settings: settings.clone(), router, connection, has_vectors, too_wide })
    }

    /// Looks once what the database remembers of quotas, and whether it holds vectors.
    async fn has_vectors(&self) -> bool {
        let look = async || {
            self.router.load(&self.connection).await?;
            memory::is_there(&mut *self.connection.lock().await).await
        };
        match self.has_vectors.get_or_try_init(look).await {
            Ok(has_vectors) => *has_vectors,
            // The next task looks again.
            Err(error) => {
                tracing::warn!("{}", error.chain().join(": "));
                false
            }
        }
    }

    /// Learns what the database remembers of quotas.
    pub async fn begin(&self) {
        self.has_vectors().await;
    }

    /// Writes down what is left of quotas.
    pub async fn end(&self) -> Result<()> {
        self.router.save_all(&self.connection).await
    }

    /// The answer to a task's question.
    pub async fn ask(
        &self,
        job: &Job,
        task: &Claimed,
        asked: &Asked,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let question = self.question(job, task, asked);
        let remembers = self.has_vectors().await && self.settings.memories > 0;
        if let Some(answer) = self.cached(job, task, &question).await? {
            return Ok(answer);
        }
        let (mut with, mut ids, mut calls) = (question.clone(), Vec::new(), Vec::new());
        // Nothing is looked up for a question that nobody can be asked now.
        if remembers && self.router.has_anybody(Work::Chat, &question.need) {
            let found = self.recall(job, &question, briefly(deadline), &mut calls).await;
            ids = found.iter().map(|memory| memory.id).collect();
            for memory in &found {
                with.user.extend(["\nremembered: ", &memory.content]);
            }
        }
        let answered = self.router.chat(&with, deadline).await;
        self.save().await;
        let answered = match answered {
            Ok(answered) => answered,
            Err(refused) => {
                calls.extend(refused.calls);
                let calls = marked(calls, question.need.private);
                return Err(Failure { message: refused.message, kind: refused.kind, calls });
            }
        };
        calls.extend(answered.calls.clone());
        let mut answer = self.answer(job, &question, answered, ids);
        if remembers {
            let deadline = briefly(deadline);
            answer.memory =
                self.remember(job, &question, &answer.value, deadline, &mut calls).await;
        }
        answer.calls = marked(calls, question.need.private);
        Ok(answer)
    }

    fn answer(
        &self,
        job: &Job,
        question: &Question,
        answered: Answered,
        memory_ids: Vec<Uuid>,
    ) -> Answer {
        let Answered { value, text, provider, model, calls } = answered;
        let is_private = question.need.private;
        // Without the memories: what was learned since is no reason to ask again.
        let hash = prompt_hash(&provider, &model, question);
        let context = Context {
            agent_id: job.kind.clone(),
            query: question.user.clone(),
            response: text.clone(),
            memory_ids,
        };
        let kept = CachedAnswer {
            prompt_hash: hash.clone(),
            response: text,
            provider: provider.clone(),
            model: model.clone(),
            is_private,
            ttl: self.settings.cache,
        };
        let by = Provenance { provider, model, prompt_hash: Some(hash) };
        let (kept, context) = (Some(kept), Some(context));
        Answer { value, by, calls, kept, context, memory: None, is_private }
    }

    pub async fn embed(
        &self,
        job: &Job,
        task: &Claimed,
        text: &str,
        deadline: Instant,
    ) -> Result<Vector, Failure> {
        self.has_vectors().await;
        let need = self.embedding_need(job, task);
        let embedded = self.embedded(text, Purpose::Document, &need, deadline).await;
        self.save().await;
        let embedded = embedded.map_err(|refused| {
            let calls = marked(refused.calls, need.private);
            Failure { message: refused.message, kind: refused.kind, calls }
        })?;
        let vector = embedded.vectors.into_iter().next().unwrap_or_default();
        let calls = marked(embedded.calls, need.private);
        Ok(Vector { vector, model: embedded.model, calls })
    }

    async fn save(&self) {
        if let Err(error) = self.router.save(&self.connection).await {
            tracing::warn!("{}", error.report());
        }
    }

    /// What would be asked, and of whom.
    pub fn preview(&self, job: &Job, task: &Claimed, asked: &Asked) -> String {
        let (work, text, need) = match asked {
            Asked::Chat { user, .. } => (Work::Chat, user.clone(), self.need(job, task)),
            Asked::Embedding { text } => {
                (Work::Embedding, text.clone(), self.embedding_need(job, task))
            }
        };
        let choices = self.router.plan(work, &need);
        let whom = choices.iter().find(|choice| choice.able).map_or_else(
            || "nobody can be asked now".to_owned(),
            |choice| format!("{} {} ({})", choice.provider, choice.model, choice.reason),
        );
        format!("{whom}: {}", text.trim())
    }

    fn need(&self, job: &Job, task: &Claimed) -> Need {
        need(&self.settings, job, job.is_private || task.is_private)
    }

    fn embedding_need(&self, job: &Job, task: &Claimed) -> Need {
        embedding_need(&self.router, job, job.is_private || task.is_private)
    }

    fn question(&self, job: &Job, task: &Claimed, asked: &Asked) -> Question {
        let (system, user, schema, max_tokens, images) = match asked {
            Asked::Chat { system, user, schema, max_tokens, images } => {
                (system.clone(), user.clone(), schema.clone(), *max_tokens, images.clone())
            }
            Asked::Embedding { text } => (String::new(), text.clone(), Value::Null, 0, Vec::new()),
        };
        let (name, need) = (job.kind.clone(), self.need(job, task));
        Question { system, user, name, schema, max_tokens, images, need }
    }
}

/// The time for a memory, which is not worth an answer.
fn briefly(deadline: Instant) -> Instant {
    let now = Instant::now();
    now + (deadline.saturating_duration_since(now) / 2).min(MEMORY)
}

/// Whom a job's question may go to.
pub fn need(settings: &Enrich, job: &Job, private: bool) -> Need {
    let task = settings.tasks.get(&job.name);
    let needs = |what| task.is_some_and(|task| task.needs.contains(&what));
    Need {
        private,
        json_schema: needs(Capability::JsonSchema),
        code: needs(Capability::Code),
        vision: needs(Capability::Vision),
        provider: job.provider.clone(),
        model: job.model.clone(),
    }
}

/// Whom a job's text may go to that is to be embedded: those of one model only, as vectors of two
/// cannot be compared. The job's own model is one that answers questions.
pub fn embedding_need(router: &Router, job: &Job, private: bool) -> Need {
    let need = Need { private, provider: job.provider.clone(), ..Need::default() };
    Need { model: router.embedding_model(&need), ..need }
}

impl Answer {
    /// All that is recorded of a task that succeeded.
    pub fn effect(
        self,
        task: &Claimed,
        job: &Job,
        subject: &Subject,
        writes: Vec<Write>,
    ) -> Effect {
        let mut metadata = json!({"task": task.id, "job": job.name, "subject": subject.id});
        if self.is_private {
            metadata["private"] = json!(true);
        }
        let is_lesson = job.kind == "reflect";
        let said = words(&self.value);
        let asked = self.context.as_ref().map(|context| brief(&context.query, REPEATED));
        let content = match asked {
            Some(asked) if !is_lesson => format!("{asked} → {said}"),
            _ => said,
        };
        let memories = self.memory.map(|memory| NewMemory {
            agent_id: job.kind.clone(),
            thought_type: if is_lesson { memory::LESSON } else { "observation" },
            content,
            vector: memory.vector,
            embedding_model: memory.model,
            metadata,
        });
        Effect {
            result: self.value,
            writes,
            calls: self.calls,
            kept: Vec::new(),
            answers: self.kept.into_iter().collect(),
            memories: memories.into_iter().collect(),
            context: self.context,
        }
    }

    /// The same as a failed attempt: the answer fits its schema, and is no good all the same.
    pub fn refused(&self, message: String) -> Failure {
        Failure { message, kind: FailureKind::Retry, calls: self.calls.clone() }
    }
}

/// Calls that say whether what they hold is private.
fn marked(mut calls: Vec<Call>, is_private: bool) -> Vec<Call> {
    for call in &mut calls {
        call.is_private = is_private;
    }
    calls
}
