//! Claiming: one statement takes what is due, and nobody waits for anybody.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::Explain as _;
use crate::enrich::Claimed;
use crate::error::Result;

/// Who asks for how many, and of what types: all where none is named.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub worker: &'a str,
    pub count: usize,
    pub lease: Duration,
    pub types: &'a [String],
    /// Sorts of tasks to leave alone, as [`sort`] names them.
    pub except: &'a [String],
    pub run_id: Uuid,
}

/// What a task has in common with those that the same providers may be asked about: its type,
/// whether it is private, and its job.
pub fn sort(task: &Claimed) -> String {
    let private = if task.is_private { "t" } else { "f" };
    let job = task.payload.get("job").and_then(Value::as_str);
    [task.task_type.as_str(), private].into_iter().chain(job).collect::<Vec<_>>().join(" ")
}

// One look at the index for each priority: rows of a high one that are not due yet are never
// walked over, however many they are. The rows are then updated where they lie, which no planner
// takes for a reason to read the whole table. One that somebody moved in this very moment is left
// for the next claim.
macro_rules! claim {
    ($($filter:literal)*) => {
        concat!(
            "with due as materialized (
                select one.place from generate_series(10, 1, -1) as level(priority)
                cross join lateral (
                    select q.ctid as place from public.task_queue as q
                    where q.status = 'pending' and q.priority = level.priority ",
            $($filter,)*
            "           and q.scheduled_at <= now() and q.attempts < q.max_attempts
                    order by q.scheduled_at, q.id
                    limit $1
                    for update skip locked
                ) as one
                limit $1
            )
            update public.task_queue as t
            set status = 'processing', started_at = now(), completed_at = null,
                attempts = t.attempts + 1, leased_by = $2,
                leased_until = now() + make_interval(secs => $3), run_id = $4
            from due where t.ctid = due.place
            returning t.id, t.task_type, t.target, t.payload::text, t.is_private, t.attempts,
                t.max_attempts, t.started_at, t.priority,
                extract(epoch from t.scheduled_at)::float8"
        )
    };
}

/// For `explain` too: how many, by whom, for how many seconds, in which run.
pub const CLAIM: &str = claim!("");
/// The same of one type, the fifth parameter.
pub const CLAIM_TYPE: &str = claim!(" and q.task_type = $5 ");
/// The same without some sorts, the fifth parameter, or the sixth.
const CLAIM_EXCEPT: &str =
    claim!(" and concat_ws(' ', q.task_type, q.is_private, q.payload->>'job') <> all($5) ");
const CLAIM_TYPE_EXCEPT: &str = claim!(
    " and q.task_type = $5
      and concat_ws(' ', q.task_type, q.is_private, q.payload->>'job') <> all($6) "
);

/// The payload as text: one that nothing but Postgres can read is that one task's trouble.
type Row = (Uuid, String, Option<String>, String, bool, i32, i32, DateTime<Utc>, i32, f64);

/// Takes up to so many due tasks, the most urgent first. Of several types, the first named goes
/// first.
pub async fn claim(connection: &mut PgConnection, ask: &Ask<'_>) -> Result<Vec<Claimed>> {
    if ask.types.is_empty() {
        return claim_of(connection, ask, None, ask.count).await;
    }
    let mut claimed = Vec::new();
    for name in ask.types {
        let wanted = ask.count - claimed.len();
        if wanted > 0 {
            claimed.extend(claim_of(connection, ask, Some(name), wanted).await?);
        }
    }
    Ok(claimed)
}

async fn claim_of(
    connection: &mut PgConnection,
    ask: &Ask<'_>,
    name: Option<&str>,
    count: usize,
) -> Result<Vec<Claimed>> {
    const DOING: &str = "claiming tasks";
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let sql = match (name, ask.except) {
        (None, []) => CLAIM,
        (None, _) => CLAIM_EXCEPT,
        (Some(_), []) => CLAIM_TYPE,
        (Some(_), _) => CLAIM_TYPE_EXCEPT,
    };
    let mut claim = sqlx::query_as(sql).bind(count).bind(ask.worker);
    claim = claim.bind(ask.lease.as_secs_f64()).bind(ask.run_id);
    if let Some(name) = name {
        claim = claim.bind(name);
    }
    if !ask.except.is_empty() {
        claim = claim.bind(ask.except);
    }
    let claim = claim.persistent(false);
    let mut rows: Vec<Row> = claim.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    // An update returns rows as it meets them.
    rows.sort_by(|a, b| b.8.cmp(&a.8).then(a.9.total_cmp(&b.9)).then(a.0.cmp(&b.0)));
    Ok(rows.into_iter().map(claimed).collect())
}

fn claimed(row: Row) -> Claimed {
    let (id, task_type, target, payload, is_private, attempts, max_attempts, claimed_at, ..) = row;
    let (payload, unreadable) = Claimed::payload_of(&payload);
    Claimed {
        id,
        task_type,
        target,
        payload,
        unreadable,
        is_private,
        attempts,
        max_attempts,
        claimed_at,
    }
}

/// What would be claimed next, and is not.
pub async fn due(
    connection: &mut PgConnection,
    types: &[String],
    limit: usize,
) -> Result<Vec<Claimed>> {
    const DOING: &str = "reading what is due";
    const DUE: &str = "\
        select id, task_type, target, payload::text, is_private, attempts + 1, max_attempts, now(),
            priority, extract(epoch from scheduled_at)::float8
        from public.task_queue
        where status = 'pending' and scheduled_at <= now() and attempts < max_attempts
            and (cardinality($1::text[]) = 0 or task_type = any($1))
        order by priority desc, scheduled_at, id limit $2";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let due = sqlx::query_as(DUE).bind(types).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = due.persistent(false).fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(rows.into_iter().map(claimed).collect())
}
