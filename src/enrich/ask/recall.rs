//! Memories: those near to a question, the vector that a new one is found by, and searching them.

use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;
use sqlx::Connection as _;
use uuid::Uuid;

use super::Asker;
use crate::db::Explain as _;
use crate::enrich::embedding::{Purpose, lexical};
use crate::enrich::memory::{self, Found, Wanted};
use crate::enrich::record::calls;
use crate::enrich::router::{Need, Question};
use crate::enrich::task::Job;
use crate::enrich::{Call, record};
use crate::error::Result;

/// The vector of a memory to be.
pub struct Remembered {
    pub vector: Vec<f32>,
    pub model: String,
}

/// What a search found, and where it could not look.
#[derive(Debug, Serialize)]
pub struct Searched {
    pub memories: Vec<Found>,
    pub not_searched: Vec<NotSearched>,
}

#[derive(Debug, Serialize)]
pub struct NotSearched {
    pub embedding_model: String,
    pub why: String,
}

/// Characters of a text that memories are compared by: a llama.cpp server takes no more than 512
/// tokens at once, unless it is told to.
const COMPARED: usize = 1_600;
const SEARCH: Duration = Duration::from_secs(30);

impl Asker {
    /// The memories nearest to a question. Nothing is lost where there are none: a task goes on
    /// without.
    pub(super) async fn recall(
        &self,
        job: &Job,
        question: &Question,
        deadline: Instant,
        calls: &mut Vec<Call>,
    ) -> Vec<Found> {
        let with_private = question.need.private;
        let vector = self.vector(&question.user, Purpose::Query, with_private, deadline, calls);
        let Some(Remembered { vector, model }) = vector.await else { return Vec::new() };
        let (agent, most) = (Some(job.kind.as_str()), self.settings.memories);
        let wanted = Wanted { agent, types: &[], with_private, most };
        let mut connection = self.connection.lock().await;
        let found = memory::nearest(&mut connection, &wanted, &vector, &model).await;
        found.inspect_err(|error| tracing::warn!("{}", error.report())).unwrap_or_default()
    }

    /// By what an answer is found again: what was asked and what was answered; a lesson, by itself.
    pub(super) async fn remember(
        &self,
        job: &Job,
        question: &Question,
        answer: &Value,
        deadline: Instant,
        calls: &mut Vec<Call>,
    ) -> Option<Remembered> {
        let said = words(answer);
        let text = if job.kind == "reflect" {
            said
        } else {
            // The answer is never cut off.
            let left = COMPARED.saturating_sub(said.chars().count() + 1);
            let asked: String = question.user.chars().take(left).collect();
            format!("{asked}\n{said}")
        };
        let is_private = question.need.private;
        self.vector(&text, Purpose::Document, is_private, deadline, calls).await
    }

    async fn vector(
        &self,
        text: &str,
        purpose: Purpose,
        is_private: bool,
        deadline: Instant,
        calls: &mut Vec<Call>,
    ) -> Option<Remembered> {
        let text: String = text.chars().take(COMPARED).collect();
        let need = self.memory_need(is_private);
        match self.embedded(&text, purpose, &need, deadline).await {
            Ok(embedded) => {
                calls.extend(embedded.calls);
                let vector = embedded.vectors.into_iter().next()?;
                Some(Remembered { vector, model: embedded.model })
            }
            Err(refused) => {
                tracing::debug!("no memories: {}", refused.message);
                calls.extend(refused.calls);
                None
            }
        }
    }

    /// Whom texts may go to that memories are compared by. A job's provider and model answer its
    /// question; they make no vectors that others could be compared with. Where nobody private
    /// makes any, those of private tasks are made here.
    fn memory_need(&self, private: bool) -> Need {
        let need = Need { private, ..Need::default() };
        let model = self.router.embedding_model(&need);
        Need { model: Some(model.unwrap_or_else(|| lexical::MODEL.to_owned())), ..need }
    }

    /// The memories nearest to somebody's words, of all models that can be asked now.
    pub async fn search(
        &self,
        words: &str,
        wanted: &Wanted<'_>,
        private: bool,
    ) -> Result<Searched> {
        let models = memory::models(&mut *self.connection.lock().await).await?;
        let mut searched = Searched { memories: Vec::new(), not_searched: Vec::new() };
        let deadline = Instant::now() + SEARCH;
        let mut calls = Vec::new();
        for model in models {
            let need = Need { private, model: Some(model.clone()), ..Need::default() };
            match self.embedded(words, Purpose::Query, &need, deadline).await {
                Ok(made) => {
                    calls.extend(made.calls);
                    let vector = made.vectors.into_iter().next().unwrap_or_default();
                    let mut connection = self.connection.lock().await;
                    let found = memory::nearest(&mut connection, wanted, &vector, &model).await?;
                    searched.memories.extend(found);
                }
                Err(refused) => {
                    calls.extend(refused.calls);
                    let (embedding_model, why) = (model, refused.message);
                    searched.not_searched.push(NotSearched { embedding_model, why });
                }
            }
        }
        let score = |found: &Found| found.score.unwrap_or_default();
        searched.memories.sort_by(|a, b| score(b).total_cmp(&score(a)));
        searched.memories.truncate(wanted.most);
        self.log(&super::marked(calls, private)).await?;
        Ok(searched)
    }

    async fn log(&self, calls: &[Call]) -> Result<()> {
        const DOING: &str = "logging a search";
        let mut connection = self.connection.lock().await;
        let mut transaction = connection.begin().await.or_explain(DOING)?;
        let logged = calls::log_apart(&mut transaction, "memory_search", calls, Uuid::new_v4());
        logged.await.map_err(record::error)?;
        transaction.commit().await.or_explain(DOING)
    }
}

/// The words of an answer, in one line.
pub fn words(value: &Value) -> String {
    fn collect(value: &Value, words: &mut Vec<String>) {
        match value {
            Value::Null => {}
            Value::String(text) => words.push(brief(text, usize::MAX)),
            Value::Array(list) => list.iter().for_each(|value| collect(value, words)),
            Value::Object(fields) => fields.values().for_each(|value| collect(value, words)),
            other => words.push(other.to_string()),
        }
    }
    let mut found = Vec::new();
    collect(value, &mut found);
    found.join(" · ")
}

/// A text in one line, or as much of it as is wanted.
pub fn brief(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
