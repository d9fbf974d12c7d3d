//! What frieze sees missing by itself: rows that lack what a job would give them, and rows whose
//! texts changed since they were embedded.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection};

use super::queue::NewTask;
use super::task::{Job, Scope, Subject, by_name, is_embedding};
use crate::config::Config;
use crate::db;
use crate::error::{Error, Result};

/// A task to be queued.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    pub task_type: String,
    pub target: String,
    pub payload: Value,
    pub is_private: bool,
    pub max_attempts: Option<u32>,
}

impl Missing {
    pub fn task(self) -> NewTask {
        let usual = NewTask::new(self.task_type);
        let most = self.max_attempts.and_then(|most| i32::try_from(most).ok());
        NewTask {
            target: Some(self.target),
            payload: self.payload,
            is_private: self.is_private,
            max_attempts: most.unwrap_or(usual.max_attempts),
            ..usual
        }
    }
}

/// Rows of one table that are looked at, at most.
const MOST: i64 = 100_000;

/// Everything that the configured jobs would do now.
pub async fn missing(
    conn: &mut PgConnection,
    config: &Config,
    vector_model: &str,
) -> Result<Vec<Missing>> {
    let mut missing = Vec::new();
    for (name, settings) in config.enrich.tasks.iter().filter(|(_, settings)| settings.detect) {
        let job = Job::from_settings(config, name, settings).map_err(Error::config)?;
        let Some(kind) = by_name(&job.kind) else {
            let help = format!("the known types are {}", super::task::known().join(", "));
            return Err(Error::config(format!(
                "frieze.toml: enrich.tasks.{name}: there is no task type \"{}\"",
                job.kind
            ))
            .help(help));
        };
        if kind.scope() != Scope::Row {
            continue;
        }
        let hashes =
            if is_embedding(&job.kind) { hashes(conn, &job, vector_model).await? } else { None };
        for subject in rows(conn, &job).await? {
            let is_wanted = match &hashes {
                Some(hashes) => {
                    hashes.get(&subject.id).and_then(Value::as_str)
                        != Some(&*kind.hash(&job, &subject))
                }
                None => !is_embedding(&job.kind) && kind.is_wanted(&job, &subject),
            };
            if is_wanted {
                missing.push(Missing {
                    task_type: job.kind.clone(),
                    target: job.target(&subject),
                    payload: serde_json::json!({"job": name, "id": subject.id}),
                    is_private: settings.private,
                    max_attempts: settings.max_attempts,
                });
            }
        }
    }
    Ok(missing)
}

async fn rows(conn: &mut PgConnection, job: &Job) -> Result<Vec<Subject>> {
    let empty = match &job.column {
        Some(column) => {
            format!("where nullif(btrim(r.{}::text), '') is null", db::quoted_part(column))
        }
        None => String::new(),
    };
    let table = db::quoted(&job.table);
    let sql = format!("select to_jsonb(r) from {table} r {empty} order by r.id limit {MOST}");
    let rows: Vec<Value> = sqlx::query_scalar(AssertSqlSafe(sql))
        .persistent(false)
        .fetch_all(conn)
        .await
        .map_err(|error| db::explain_owner(error, &format!("looking through {}", job.table)))?;
    Ok(rows.into_iter().filter_map(Subject::from_row).collect())
}

/// The stored hashes of a collection's rows by id; none where there is no table for vectors.
async fn hashes(
    conn: &mut PgConnection,
    job: &Job,
    model: &str,
) -> Result<Option<Map<String, Value>>> {
    if !super::memory::is_there(conn).await? {
        return Ok(None);
    }
    let hashes: Value = sqlx::query_scalar(
        "select coalesce(jsonb_object_agg(row_id, content_hash), '{}') from public.content_embeddings
         where collection = $1 and embedding_model = $2",
    )
    .bind(&job.collection)
    .bind(model)
    .persistent(false)
    .fetch_one(conn)
    .await
    .map_err(|error| db::explain_owner(error, "looking for embeddings"))?;
    Ok(match hashes {
        Value::Object(hashes) => Some(hashes),
        _ => None,
    })
}
