//! What models did since some moment, and what it cost.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};

use crate::db::Explain as _;
use crate::error::Result;

/// From when on calls count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// So long ago, by the database's clock.
    Back(Duration),
    At(DateTime<Utc>),
}

/// The calls since a moment, all together and apart.
#[derive(Debug, Clone, Serialize)]
pub struct Overview {
    pub since: DateTime<Utc>,
    pub total: Stats,
    pub by_provider: Vec<Stats>,
    pub by_task_type: Vec<Stats>,
    /// Of each provider and task type.
    pub by: Vec<Stats>,
}

/// Of one provider, one task type, or both; of all of them where both are none.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Stats {
    pub provider: Option<String>,
    pub task_type: Option<String>,
    /// Answers from the cache among them, and questions that nobody could be asked.
    pub calls: i64,
    pub cached: i64,
    pub failures: i64,
    pub tokens_in: i64,
    pub tokens_out: i64,
    /// Of the calls whose cost is known; none if that is none of them.
    pub cost: Option<f64>,
    /// How long calls took that were really made.
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
}

const SINCE: &str = "select coalesce($1, now() - make_interval(secs => $2))";
const STATS: &str = "\
    select to_jsonb(s) from (select provider, task_type, count(*) as calls, count(*) filter (where is_cached) as cached,
        count(*) filter (where error is not null) as failures,
        coalesce(sum(tokens_in), 0) as tokens_in, coalesce(sum(tokens_out), 0) as tokens_out,
        sum(cost)::float8 as cost,
        percentile_cont(0.5) within group (order by latency_ms) filter (where is_made) as p50_ms,
        percentile_cont(0.95) within group (order by latency_ms) filter (where is_made) as p95_ms,
        percentile_cont(0.99) within group (order by latency_ms) filter (where is_made) as p99_ms
    from (select provider, coalesce(task_type, '') as task_type, is_cached, error, tokens_in,
            tokens_out, cost, latency_ms, not is_cached and provider <> 'none' as is_made
        from public.agent_run_logs where created_at >= $1) as l
    group by grouping sets ((provider, task_type), (provider), (task_type), ())
    order by provider, task_type) as s";

pub async fn stats(connection: &mut PgConnection, since: Since) -> Result<Overview> {
    const DOING: &str = "reading the log of calls";
    let (at, back) = match since {
        Since::At(time) => (Some(time), 0.0),
        Since::Back(duration) => (None, duration.as_secs_f64()),
    };
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let from = sqlx::query_scalar(SINCE).bind(at).bind(back).persistent(false);
    let from: DateTime<Utc> = from.fetch_one(&mut *transaction).await.or_explain(DOING)?;
    let stats = sqlx::query_scalar(STATS).bind(from).persistent(false);
    let rows: Vec<Json<Stats>> = stats.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(overview(from, rows.into_iter().map(|Json(row)| row)))
}

fn overview(since: DateTime<Utc>, rows: impl Iterator<Item = Stats>) -> Overview {
    let (by_provider, by_task_type, by) = (Vec::new(), Vec::new(), Vec::new());
    let mut all = Overview { since, total: Stats::default(), by_provider, by_task_type, by };
    for row in rows {
        match (&row.provider, &row.task_type) {
            (Some(_), Some(_)) => all.by.push(row),
            (Some(_), None) => all.by_provider.push(row),
            (None, Some(_)) => all.by_task_type.push(row),
            (None, None) => all.total = row,
        }
    }
    all
}
