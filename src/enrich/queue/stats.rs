//! What models did in the last days, and what it cost.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};

use crate::db::Explain as _;
use crate::error::Result;

/// Of one provider and task type; of all of them where both are none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stats {
    pub provider: Option<String>,
    pub task_type: Option<String>,
    /// Answers from the cache among them.
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

// The last row is the sum of all.
const STATS: &str = "\
    select to_jsonb(s) from (select provider, task_type, count(*) as calls, count(*) filter (where is_cached) as cached,
        count(*) filter (where error is not null) as failures,
        coalesce(sum(tokens_in), 0) as tokens_in, coalesce(sum(tokens_out), 0) as tokens_out,
        sum(cost)::float8 as cost,
        percentile_cont(0.5) within group (order by latency_ms) filter (where not is_cached) as p50_ms,
        percentile_cont(0.95) within group (order by latency_ms) filter (where not is_cached) as p95_ms,
        percentile_cont(0.99) within group (order by latency_ms) filter (where not is_cached) as p99_ms
    from (select provider, coalesce(task_type, '') as task_type, is_cached, error, tokens_in,
            tokens_out, cost, latency_ms
        from public.agent_run_logs where created_at > now() - make_interval(days => $1)) as l
    group by grouping sets ((provider, task_type), ())
    order by grouping(provider), provider, task_type) as s";

pub async fn stats(connection: &mut PgConnection, days: u32) -> Result<Vec<Stats>> {
    const DOING: &str = "reading the log of calls";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let stats = sqlx::query_scalar(STATS).bind(i32::try_from(days).unwrap_or(i32::MAX));
    let stats = stats.persistent(false);
    let rows: Vec<Json<Stats>> = stats.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(rows.into_iter().map(|Json(row)| row).collect())
}
