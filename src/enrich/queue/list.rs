//! What is in the queue.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::Explain as _;
use crate::error::Result;

const DOING: &str = "reading the queue";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Pending,
    Processing,
    Completed,
    Failed,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Completed, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// Which tasks are meant: all where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub status: Option<Status>,
    pub types: Vec<String>,
    pub limit: usize,
}

/// A task as a list shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Listed {
    pub id: Uuid,
    pub task_type: String,
    pub target: Option<String>,
    pub status: Status,
    pub priority: i32,
    pub attempts: i32,
    pub max_attempts: i32,
    pub is_private: bool,
    pub created_at: DateTime<Utc>,
    /// None stands for never, or for always.
    pub scheduled_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    /// The worker that is at it.
    pub leased_by: Option<String>,
    pub error_message: Option<String>,
}

/// What is live first, in the order in which it will be claimed; then what ended last.
pub async fn list(connection: &mut PgConnection, filter: &Filter) -> Result<Vec<Listed>> {
    const LIST: &str = "\
        select to_jsonb(l) from (select id, task_type, target, status, priority, attempts,
            max_attempts, is_private, created_at,
            case when isfinite(scheduled_at) then scheduled_at end as scheduled_at, started_at,
            completed_at, leased_by, error_message
        from public.task_queue
        where ($1::text is null or status = $1)
            and (cardinality($2::text[]) = 0 or task_type = any($2))
        order by array_position(array['processing', 'pending', 'failed', 'completed'], status),
            completed_at desc nulls first, priority desc, task_queue.scheduled_at, id
        limit $3) as l";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let list = sqlx::query_scalar(LIST).bind(filter.status.map(Status::name)).bind(&filter.types);
    let list = list.bind(i64::try_from(filter.limit).unwrap_or(i64::MAX)).persistent(false);
    let rows: Vec<Json<Listed>> = list.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}

/// How many tasks of each status there are, and how many of those that wait are due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub pending: i64,
    pub due: i64,
    pub processing: i64,
    pub completed: i64,
    pub failed: i64,
}

pub async fn counts(connection: &mut PgConnection, types: &[String]) -> Result<Counts> {
    const COUNT: &str = "\
        select to_jsonb(c) from (select count(*) filter (where status = 'pending') as pending,
            count(*) filter (where status = 'pending' and scheduled_at <= now()) as due,
            count(*) filter (where status = 'processing') as processing,
            count(*) filter (where status = 'completed') as completed,
            count(*) filter (where status = 'failed') as failed
        from public.task_queue
        where (cardinality($1::text[]) = 0 or task_type = any($1))) as c";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let count = sqlx::query_scalar(COUNT).bind(types).persistent(false);
    let Json(counts) = count.fetch_one(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(counts)
}

/// What was in the way of the next task that waits and was tried before, if any was.
pub async fn waits_for(connection: &mut PgConnection) -> Result<Option<String>> {
    // Of the next few: there may be a million.
    const WHY: &str = "\
        select error_message from (select error_message, priority, scheduled_at, id
            from public.task_queue where status = 'pending'
            order by priority desc, scheduled_at, id limit 100) as next
        where error_message is not null
        order by priority desc, scheduled_at, id limit 1";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let why = sqlx::query_scalar(WHY).persistent(false);
    let why = why.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(why)
}
