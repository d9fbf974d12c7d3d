//! What frieze sees missing by itself: rows that lack what a job would give them, rows whose texts
//! changed since they were embedded, names that a list lacks, and a run that was worth a thought.
//!
//! Only what somebody could be asked for is queued, and nothing twice: what failed, was cancelled or
//! was taken back is left alone until the row says something else.

mod looks;
mod told;

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use chrono::{DateTime, FixedOffset};
use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::{embedding_need, need};
use super::queue::{self, NewTask};
use super::router::{Router, Work};
use super::task::{
    Asked, Job, MOST_LACKING, MOST_NAMES, NAMES, Scope, Subject, TaskType, by_name, embedding_hash,
    is_embedding,
};
use super::worker::Link;
use crate::config::Config;
use crate::error::{Error, Result};

/// Rows that are looked at together.
const PAGE: usize = 1_000;
/// Tasks that one look queues for one job; the next look goes on.
const MOST_NEW: usize = 10_000;
/// Answers of a run from which something can be learned.
const LEARNED: i64 = 3;

/// Jobs that are looked at together, in this order: vectors are made of texts, and a thought is
/// given to all that was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Texts,
    Vectors,
    Reflection,
}

impl Phase {
    fn of(kind: &dyn TaskType) -> Self {
        match kind.scope() {
            Scope::Run => Self::Reflection,
            _ if is_embedding(kind.name()) => Self::Vectors,
            _ => Self::Texts,
        }
    }
}

pub struct Detector<'a> {
    link: &'a Link<'a>,
    config: &'a Config,
    /// Only jobs of these types, where any is named.
    types: &'a [String],
    run_id: Uuid,
    /// Knows of no failures: who is down today may be asked tomorrow.
    router: Router,
    /// Where tasks go that are only to be shown.
    shown: Option<Mutex<Vec<NewTask>>>,
}

/// A job that somebody could be asked about, and the model of the first who could.
struct Looked {
    job: Job,
    kind: &'static dyn TaskType,
    model: String,
    priority: i32,
    max_attempts: Option<u32>,
}

/// Something a job would do: about which target, and what it would learn from.
struct Wanted {
    id: Value,
    target: String,
    hash: String,
    updated_at: Option<DateTime<FixedOffset>>,
    is_private: bool,
}

/// Targets that somebody added as private, and the model of the first who could be asked then.
#[derive(Default)]
struct Private {
    targets: HashSet<String>,
    model: Option<String>,
}

impl<'a> Detector<'a> {
    pub fn new(
        link: &'a Link<'a>,
        config: &'a Config,
        types: &'a [String],
        run_id: Uuid,
    ) -> Result<Self> {
        let router = Router::new(&config.enrich)?;
        Ok(Self { link, config, types, run_id, router, shown: None })
    }

    /// One that writes nothing.
    #[must_use]
    pub fn dry(self) -> Self {
        Self { shown: Some(Mutex::default()), ..self }
    }

    pub fn shown(self) -> Vec<NewTask> {
        let shown =
            self.shown.map(|shown| shown.into_inner().unwrap_or_else(PoisonError::into_inner));
        shown.unwrap_or_default()
    }

    /// Queues what the jobs of a phase would do now; how many tasks are new. What is wrong with one
    /// job is said, and the others go on. What is not looked at by then, a later look may find.
    pub async fn look(&self, phase: Phase, until: Option<Instant>) -> Result<usize> {
        let mut added = 0;
        for looked in self.jobs(phase)? {
            let name = &looked.job.name;
            match self.job(&looked, until).await {
                Ok(new) => added += new,
                Err(error) if error.absence().is_some() => return Err(error),
                Err(error) => {
                    let why = error.chain().join(": ");
                    tracing::warn!(
                        "frieze.toml: enrich.tasks.{name}: nothing is queued for it: {why}"
                    );
                }
            }
        }
        if added > 0 {
            tracing::info!(tasks = added, "queued what is missing");
        }
        Ok(added)
    }

    fn jobs(&self, phase: Phase) -> Result<Vec<Looked>> {
        let mut jobs = Vec::new();
        for (name, settings) in &self.config.enrich.tasks {
            let is_chosen = self.types.is_empty() || self.types.contains(&settings.kind);
            if !settings.detect || !is_chosen {
                continue;
            }
            let job = Job::from_settings(self.config, name, settings).map_err(Error::config)?;
            let Some(kind) = by_name(&job.kind).filter(|kind| Phase::of(*kind) == phase) else {
                continue;
            };
            let Some(model) = self.model(&job, phase) else { continue };
            let priority = match phase {
                Phase::Texts => 5,
                Phase::Vectors => 4,
                Phase::Reflection => 1,
            };
            jobs.push(Looked { job, kind, model, priority, max_attempts: settings.max_attempts });
        }
        Ok(jobs)
    }

    /// The model of the first who could ever be asked about it; none where nobody could.
    fn model(&self, job: &Job, phase: Phase) -> Option<String> {
        let (work, need) = match phase {
            Phase::Vectors => (Work::Embedding, embedding_need(&self.router, job, job.is_private)),
            _ => (Work::Chat, need(&self.config.enrich, job, job.is_private)),
        };
        let plan = self.router.plan(work, &need);
        let able = plan.iter().find(|choice| choice.able).map(|choice| choice.model.clone());
        if able.is_none() {
            let mut why =
                plan.into_iter().map(|choice| choice.reason).collect::<Vec<_>>().join("; ");
            if why.is_empty() {
                "there is none in enrich.providers".clone_into(&mut why);
            }
            let why = format!("nobody could be asked, so nothing is queued: {why}");
            let is_mistake = !self.link.is_patient
                && !self.config.enrich.providers.is_empty()
                && self.router.permitted(work, &need).is_empty();
            // Keys are missing on some machines by intent. That no key could help is a mistake.
            if is_mistake {
                tracing::warn!("enrich.tasks.{}: {why}", job.name);
            } else {
                tracing::info!("enrich.tasks.{}: {why}", job.name);
            }
        }
        able
    }

    /// Whether there is no time to look any further.
    fn is_over(&self, looked: &Looked, until: Option<Instant>) -> bool {
        let is_over = until.is_some_and(|until| Instant::now() >= until);
        if is_over {
            tracing::info!("enrich.tasks.{}: no time to look at all rows", looked.job.name);
        }
        is_over || self.link.stop.asked() > 0
    }

    async fn job(&self, looked: &Looked, until: Option<Instant>) -> Result<usize> {
        if self.is_over(looked, until) {
            return Ok(0);
        }
        let needs_vectors = Phase::of(looked.kind) != Phase::Texts;
        if needs_vectors && !self.link.run(super::memory::is_there).await? {
            tracing::info!("enrich.tasks.{}: the database has no pgvector", looked.job.name);
            return Ok(0);
        }
        match looked.kind.scope() {
            Scope::Row => self.rows(looked, until).await,
            Scope::Names => self.names(looked).await,
            Scope::Run => self.reflection(looked).await,
        }
    }

    /// Page by page, so that a table of any size is looked through.
    async fn rows(&self, looked: &Looked, until: Option<Instant>) -> Result<usize> {
        let (mut added, mut after) = (0, None);
        let private = self.private(looked).await?;
        loop {
            let rows =
                self.link.run(async |conn| looks::page(conn, looked, after.as_ref()).await).await?;
            let count = rows.len();
            let Some(last) = rows.last() else { break };
            check_columns(&looked.job, last)?;
            after = Some(last.fields.get("id").cloned().unwrap_or_default());
            let wanted = self.wanted(looked, rows, &private).await?;
            added += self.take(tasks(looked, wanted)).await?;
            if count < PAGE || added >= MOST_NEW || self.is_over(looked, until) {
                break;
            }
        }
        Ok(added)
    }

    /// What is private of the job's rows; all is, where the job itself is.
    async fn private(&self, looked: &Looked) -> Result<Private> {
        let mut private = Private::default();
        if !looked.job.is_private {
            let kind = looked.kind.name();
            private.targets = self.link.run(async |conn| told::private(conn, kind).await).await?;
        }
        if !private.targets.is_empty() {
            let job = Job { is_private: true, ..looked.job.clone() };
            private.model = self.model(&job, Phase::of(looked.kind));
        }
        Ok(private)
    }

    async fn wanted(
        &self,
        looked: &Looked,
        mut rows: Vec<Subject>,
        private: &Private,
    ) -> Result<Vec<Wanted>> {
        let mut wanted = Vec::new();
        let mut stored = HashSet::new();
        rows.retain(|row| looked.kind.is_wanted(&looked.job, row));
        let mut former = HashMap::new();
        if is_embedding(looked.kind.name()) {
            let ids =
                rows.iter().map(|row| uuid(&looked.job, &row.id)).collect::<Result<Vec<_>>>()?;
            let models: Vec<&str> =
                std::iter::once(&looked.model).chain(&private.model).map(String::as_str).collect();
            stored = self
                .link
                .run(async |conn| looks::hashes(conn, looked, &models, &ids).await)
                .await?;
        } else if !rows.is_empty() {
            let written = async |conn: &mut _| told::written(conn, &looked.job, &rows).await;
            former = self.link.run(written).await?;
        }
        for mut row in rows {
            let updated_at = row.text("updated_at").and_then(|at| at.parse().ok());
            let id = row.fields.get("id").cloned().unwrap_or_default();
            let target = looked.job.target(&row.id);
            let is_private = private.targets.contains(&target);
            let model = if is_private { private.model.as_ref() } else { Some(&looked.model) };
            let lines = former.remove(&row.id).unwrap_or_default();
            told::as_people_left_it(&mut row, lines);
            let Some(hash) = model.and_then(|model| hash(looked, &row, model)) else { continue };
            if !stored.contains(&(row.id, hash.clone())) {
                wanted.push(Wanted { id, target, hash, updated_at, is_private });
            }
        }
        if wanted.is_empty() {
            return Ok(wanted);
        }
        let done = self.link.run(async |conn| looks::done(conn, looked, &wanted).await).await?;
        wanted.retain(|wanted| !done.contains(&wanted.target));
        Ok(wanted)
    }

    /// Names that no task has asked about yet.
    async fn names(&self, looked: &Looked) -> Result<usize> {
        let job = &looked.job;
        let target = job.target(NAMES);
        let asked =
            self.link.run(async |conn| looks::asked(conn, &job.kind, &target).await).await?;
        let lacking = Subject::names(self.link.connection, job, &asked, MOST_LACKING).await;
        let mut lacking = lacking.map_err(|failure| Error::content(failure.message))?;
        lacking.choose(MOST_NAMES, |name| !asked.contains(name));
        let names = lacking.lacking();
        if names.is_empty() {
            return Ok(0);
        }
        let payload = json!({"job": job.name, "names": names});
        self.take(vec![looked.task(target, payload)]).await
    }

    /// A thought, where a run had answers enough to learn from.
    async fn reflection(&self, looked: &Looked) -> Result<usize> {
        let run_id = self.run_id;
        if self.link.run(async |conn| looks::answers(conn, run_id).await).await? < LEARNED {
            return Ok(0);
        }
        let payload = json!({"job": looked.job.name, "run": run_id});
        self.take(vec![looked.task(looked.job.target(&run_id.to_string()), payload)]).await
    }

    async fn take(&self, tasks: Vec<NewTask>) -> Result<usize> {
        if tasks.is_empty() {
            return Ok(0);
        }
        if let Some(shown) = &self.shown {
            let count = tasks.len();
            shown.lock().unwrap_or_else(PoisonError::into_inner).extend(tasks);
            return Ok(count);
        }
        self.link.run(async |conn| queue::add_many(conn, &tasks).await).await
    }
}

impl Looked {
    fn task(&self, target: String, payload: Value) -> NewTask {
        let usual = NewTask::new(self.kind.name());
        let most = self.max_attempts.and_then(|most| i32::try_from(most).ok());
        NewTask {
            target: Some(target),
            payload,
            priority: self.priority,
            is_private: self.job.is_private,
            max_attempts: most.unwrap_or(usual.max_attempts),
            ..usual
        }
    }
}

fn tasks(looked: &Looked, wanted: Vec<Wanted>) -> Vec<NewTask> {
    let task = |Wanted { id, target, hash, is_private, .. }: Wanted| {
        let task = looked.task(target, json!({"job": looked.job.name, "id": id, "hash": hash}));
        NewTask { is_private: task.is_private || is_private, ..task }
    };
    wanted.into_iter().map(task).collect()
}

/// Of all that the task would learn from.
fn hash(looked: &Looked, row: &Subject, model: &str) -> Option<String> {
    if !is_embedding(looked.kind.name()) {
        return Some(looked.kind.hash(&looked.job, row));
    }
    match looked.kind.question(&looked.job, row) {
        Ok(Asked::Embedding { text }) => Some(embedding_hash(&text, model)),
        _ => None,
    }
}

fn uuid(job: &Job, id: &str) -> Result<Uuid> {
    id.parse().map_err(|_| Error::content(format!("{} has no uuid for its id", job.target(id))))
}

/// Columns that a job learns from and that there are not would be passed over in silence.
fn check_columns(job: &Job, row: &Subject) -> Result<()> {
    match job.from.iter().find(|column| !row.fields.contains_key(*column)) {
        Some(column) => Err(Error::content(format!("{} has no column \"{column}\"", job.table))),
        None => Ok(()),
    }
}
