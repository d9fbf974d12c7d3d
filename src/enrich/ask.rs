//! Asking once: the response cache first, then the router, with the nearest memories in the prompt.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::embedding::Purpose;
use super::router::{Answered, Need, Question, Router, Work, prompt_hash};
use super::task::{Asked, Job, Subject};
use super::{
    CachedAnswer, Call, Claimed, Context, Effect, Failure, FailureKind, NewMemory, Provenance,
    SharedConnection, Write, memory,
};
use crate::config::Enrich;
use crate::db;
use crate::error::Result;

/// Asks models on behalf of tasks.
pub struct Asker {
    settings: Enrich,
    router: Router,
    connection: SharedConnection,
    /// Whether the database has tables for vectors, once it was asked.
    has_vectors: OnceCell<bool>,
}

/// An answer, with all that is to be recorded of it.
pub struct Answer {
    pub value: Value,
    pub by: Provenance,
    calls: Vec<Call>,
    /// To keep, where it was not in the cache already.
    kept: Option<CachedAnswer>,
    context: Option<Context>,
    memory: Option<(Vec<f32>, String)>,
}

/// A vector, with the calls that led to it.
pub struct Vector {
    pub vector: Vec<f32>,
    pub model: String,
    pub calls: Vec<Call>,
}

impl Asker {
    pub fn new(settings: &Enrich, connection: SharedConnection) -> Result<Self> {
        let (router, has_vectors) = (Router::new(settings)?, OnceCell::new());
        Ok(Self { settings: settings.clone(), router, connection, has_vectors })
    }

    /// Looks once what the database remembers of quotas, and whether it holds vectors.
    async fn has_vectors(&self) -> bool {
        let look = async {
            if let Err(error) = self.router.load(&self.connection).await {
                tracing::warn!("{}", error.report());
            }
            let mut connection = self.connection.lock().await;
            memory::is_there(&mut connection).await.unwrap_or_default()
        };
        *self.has_vectors.get_or_init(|| look).await
    }

    pub fn embedding_model(&self) -> String {
        let choices = self.router.plan(Work::Embedding, &Need::default());
        choices
            .into_iter()
            .map(|choice| choice.model)
            .find(|model| !model.is_empty())
            .unwrap_or_default()
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
        let question = question(job, task, asked);
        let has_vectors = self.has_vectors().await;
        if let Some(answer) = self.cached(&question).await? {
            return Ok(answer);
        }
        let recalled = match has_vectors {
            true => self.recall(job, task, &question.user, deadline).await,
            false => None,
        };
        let (mut with, mut ids, mut vector) = (question.clone(), Vec::new(), None);
        if let Some((found, own)) = recalled {
            ids = found.iter().map(|memory| memory.id).collect();
            for memory in &found {
                with.user.push_str(&format!("\nremembered: {}", memory.content));
            }
            vector = Some(own);
        }
        let answered = self.router.chat(&with, deadline).await.map_err(Failure::from)?;
        self.save().await;
        Ok(self.answer(job, &question, answered, ids, vector))
    }

    fn answer(
        &self,
        job: &Job,
        question: &Question,
        answered: Answered,
        memory_ids: Vec<Uuid>,
        memory: Option<(Vec<f32>, String)>,
    ) -> Answer {
        let Answered { value, text, provider, model, calls } = answered;
        // Without the memories: what was learned since is no reason to ask again.
        let hash = prompt_hash(&model, question);
        let context = Context {
            agent_id: job.kind.clone(),
            query: question.user.clone(),
            response: text.clone(),
            memory_ids,
        };
        let kept = CachedAnswer {
            prompt_hash: hash.clone(),
            response: text,
            model: model.clone(),
            ttl: self.settings.cache,
        };
        let by = Provenance { provider, model, prompt_hash: Some(hash) };
        Answer { value, by, calls, kept: Some(kept), context: Some(context), memory }
    }

    /// What one of the models that may be asked answered to the same before.
    async fn cached(&self, question: &Question) -> Result<Option<Answer>, Failure> {
        for choice in self.router.plan(Work::Chat, &question.need) {
            let model = choice.model.clone();
            let hash = prompt_hash(&model, question);
            let Some(text) = self.look_up(&hash).await? else { continue };
            // An answer that no longer fits is as good as none.
            let Ok(value) = question.value(&text) else { continue };
            let call = Call {
                provider: choice.provider.clone(),
                model: model.clone(),
                prompt_hash: Some(hash.clone()),
                is_cached: true,
                output: value.clone(),
                reason: "the same was asked before".to_owned(),
                ..Call::default()
            };
            let by = Provenance { provider: choice.provider, model, prompt_hash: Some(hash) };
            return Ok(Some(Answer {
                value,
                by,
                calls: vec![call],
                kept: None,
                context: None,
                memory: None,
            }));
        }
        Ok(None)
    }

    async fn look_up(&self, hash: &str) -> Result<Option<String>, Failure> {
        let mut connection = self.connection.lock().await;
        sqlx::query_scalar(
            "select response from public.ai_response_cache
             where prompt_hash = $1 and updated_at + ttl > now()",
        )
        .bind(hash)
        .persistent(false)
        .fetch_optional(&mut *connection)
        .await
        .map_err(|error| {
            let error = db::explain_owner(error, "looking an answer up");
            Failure::new(FailureKind::Retry, error.chain().join(": "))
        })
    }

    /// The nearest memories, and the vector they are nearest to. Nothing is lost where there are
    /// none: a task goes on without.
    async fn recall(
        &self,
        job: &Job,
        task: &Claimed,
        text: &str,
        deadline: Instant,
    ) -> Option<(Vec<memory::Found>, (Vec<f32>, String))> {
        if self.settings.memories == 0 {
            return None;
        }
        let need = need(job, task, false);
        let texts = [text.to_owned()];
        let embedded = self.router.embed(&texts, Purpose::Query, &need, deadline).await.ok()?;
        let vector = embedded.vectors.into_iter().next()?;
        let mut connection = self.connection.lock().await;
        let (agent, most) = (Some(job.kind.as_str()), self.settings.memories);
        let found = memory::nearest(&mut connection, agent, &vector, &embedded.model, most).await;
        let found = found.inspect_err(|error| tracing::warn!("{}", error.report())).ok()?;
        Some((found, (vector, embedded.model)))
    }

    pub async fn embed(
        &self,
        job: &Job,
        task: &Claimed,
        text: &str,
        deadline: Instant,
    ) -> Result<Vector, Failure> {
        self.has_vectors().await;
        let texts = [text.to_owned()];
        let need = need(job, task, true);
        let embedded = self.router.embed(&texts, Purpose::Document, &need, deadline).await;
        let embedded = embedded.map_err(Failure::from)?;
        self.save().await;
        let vector = embedded.vectors.into_iter().next().unwrap_or_default();
        Ok(Vector { vector, model: embedded.model, calls: embedded.calls })
    }

    async fn save(&self) {
        if let Err(error) = self.router.save(&self.connection).await {
            tracing::warn!("{}", error.report());
        }
    }

    /// What would be asked, and of whom.
    pub fn preview(&self, job: &Job, task: &Claimed, asked: &Asked) -> String {
        let (work, text) = match asked {
            Asked::Chat { user, .. } => (Work::Chat, user.clone()),
            Asked::Embedding { text } => (Work::Embedding, text.clone()),
        };
        let choices = self.router.plan(work, &need(job, task, false));
        let whom = choices.iter().find(|choice| choice.able).map_or_else(
            || "nobody can be asked now".to_owned(),
            |choice| format!("{} {} ({})", choice.provider, choice.model, choice.reason),
        );
        format!("{whom}: {}", text.trim())
    }
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
        let memories = self.memory.map(|(vector, embedding_model)| NewMemory {
            agent_id: job.kind.clone(),
            thought_type: if job.kind == "reflect" { "reflection" } else { "observation" },
            content: format!("{} {}: {}", job.name, subject.id, self.value),
            vector,
            embedding_model,
            metadata: json!({"task": task.id}),
        });
        Effect {
            result: self.value,
            writes,
            calls: self.calls,
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

fn need(job: &Job, task: &Claimed, is_embedding: bool) -> Need {
    let model = if is_embedding { None } else { job.model.clone() };
    Need {
        private: job.is_private || task.is_private,
        provider: job.provider.clone(),
        model,
        ..Need::default()
    }
}

fn question(job: &Job, task: &Claimed, asked: &Asked) -> Question {
    let (system, user, schema, max_tokens) = match asked {
        Asked::Chat { system, user, schema, max_tokens, .. } => {
            (system.clone(), user.clone(), schema.clone(), *max_tokens)
        }
        Asked::Embedding { text } => (String::new(), text.clone(), Value::Null, 0),
    };
    Question {
        system,
        user,
        name: job.kind.clone(),
        schema,
        max_tokens,
        need: need(job, task, false),
    }
}

/// How long one task may take, less than its lease.
pub fn limit(settings: &Enrich) -> Duration {
    settings.lease.mul_f32(0.8)
}
