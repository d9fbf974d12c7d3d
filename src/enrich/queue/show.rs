//! All that is known of one task: what it asks, the calls made for it, what it wrote.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::Listed;
use crate::db::Explain as _;
use crate::error::{Error, Result};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Details {
    #[serde(flatten)]
    pub task: Listed,
    pub leased_until: Option<DateTime<Utc>>,
    /// The run that worked on it last.
    pub run_id: Option<Uuid>,
    /// A text where nothing but Postgres can read it.
    #[serde(deserialize_with = "readable")]
    pub payload: Value,
    pub result: Option<Value>,
    pub calls: Vec<CallMade>,
    pub written: Vec<Written>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CallMade {
    pub created_at: DateTime<Utc>,
    pub provider: String,
    pub model: String,
    pub is_cached: bool,
    pub tokens_in: Option<i32>,
    pub tokens_out: Option<i32>,
    pub latency_ms: Option<i32>,
    pub cost: Option<f64>,
    pub reason: Option<String>,
    pub error: Option<Value>,
    pub input: Option<Value>,
    pub output: Option<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Written {
    pub table_name: String,
    pub row_key: Value,
    /// `*` where the whole row is the model's.
    pub column_name: String,
    pub value: Option<Value>,
    pub former: Option<Value>,
    pub provider: String,
    pub model: String,
    pub reverted_at: Option<DateTime<Utc>>,
}

/// The database sends it as text.
fn readable<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Value, D::Error> {
    let text = String::deserialize(from)?;
    Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

const SHOW: &str = "\
    select to_jsonb(d) from (select id, task_type, target, status, priority, attempts, max_attempts,
        is_private, created_at,
        case when isfinite(scheduled_at) then scheduled_at end as scheduled_at, started_at,
        completed_at, leased_by, error_message, leased_until, run_id, payload::text as payload, result,
        coalesce((select jsonb_agg(to_jsonb(l) order by l.created_at, l.id)
            from public.agent_run_logs as l where l.task_id = q.id), '[]') as calls,
        coalesce((select jsonb_agg(to_jsonb(e) order by e.created_at, e.id)
            from public.enrichments as e where e.task_id = q.id), '[]') as written
    from public.task_queue as q where id = $1) as d";

pub async fn show(connection: &mut PgConnection, id: Uuid) -> Result<Details> {
    const DOING: &str = "reading a task";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let show = sqlx::query_scalar(SHOW).bind(id).persistent(false);
    let row: Option<Json<Details>> =
        show.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    let Json(details) = row.ok_or_else(|| Error::content(format!("there is no task {id}")))?;
    Ok(details)
}
