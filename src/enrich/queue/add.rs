//! Adding tasks. The same work queued twice while it is live is one task.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::Explain as _;
use crate::enrich::json;
use crate::error::{Error, Result};

/// What is to be done.
#[derive(Debug, Clone, Serialize)]
pub struct NewTask {
    pub task_type: String,
    pub target: Option<String>,
    pub payload: Value,
    /// From 1 to 10; higher goes first.
    pub priority: i32,
    /// Not before then; at once where it is not said.
    pub scheduled_at: Option<DateTime<Utc>>,
    pub max_attempts: i32,
    pub is_private: bool,
}

impl NewTask {
    pub fn new(task_type: impl Into<String>) -> Self {
        Self {
            task_type: task_type.into(),
            target: None,
            payload: Value::Object(serde_json::Map::default()),
            priority: 5,
            scheduled_at: None,
            max_attempts: 3,
            is_private: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    New(Uuid),
    /// A live task of the type has the target already.
    Live(Uuid),
}

impl Added {
    pub fn id(self) -> Uuid {
        match self {
            Self::New(id) | Self::Live(id) => id,
        }
    }

    pub fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}

const ADD: &str = "\
    insert into public.task_queue
        (task_type, target, payload, priority, scheduled_at, max_attempts, is_private)
    select task_type, target, coalesce(payload, '{}'), priority, coalesce(scheduled_at, now()),
        max_attempts, is_private
    from jsonb_to_recordset($1::jsonb) as x(task_type text, target text, payload jsonb,
        priority int, scheduled_at timestamptz, max_attempts int, is_private bool)
    on conflict (task_type, target) where status in ('pending', 'processing') do nothing
    returning id";
const LIVE: &str = "\
    select id from public.task_queue
    where task_type = $1 and target = $2 and status in ('pending', 'processing')";
const DOING: &str = "adding a task";

/// Adds a task, or finds the live one that it would repeat.
pub async fn add(connection: &mut PgConnection, task: &NewTask) -> Result<Added> {
    // The live one may come to its end between the two statements: then there is room.
    for _ in 0..10 {
        if let Some(id) = insert(connection, std::slice::from_ref(task)).await?.first() {
            return Ok(Added::New(*id));
        }
        if let Some(id) = live(connection, task).await? {
            return Ok(Added::Live(id));
        }
    }
    Err(Error::database(format!("{DOING} failed: others add and finish the same one all the time"))
        .help("run it again"))
}

/// Adds many tasks; those that a live one repeats are left out. Says how many are new.
pub async fn add_many(connection: &mut PgConnection, tasks: &[NewTask]) -> Result<usize> {
    let mut added = 0;
    for chunk in tasks.chunks(1000) {
        added += insert(connection, chunk).await?.len();
    }
    Ok(added)
}

async fn insert(connection: &mut PgConnection, tasks: &[NewTask]) -> Result<Vec<Uuid>> {
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let insert = sqlx::query_scalar(ADD).bind(json::parameter(&tasks)).persistent(false);
    let ids = insert.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(ids)
}

async fn live(connection: &mut PgConnection, task: &NewTask) -> Result<Option<Uuid>> {
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let select = sqlx::query_scalar(LIVE).bind(&task.task_type).bind(&task.target);
    let id = select.persistent(false).fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(id)
}
