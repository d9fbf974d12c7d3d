//! Rescuing what a worker took and did not finish within its lease.

use std::sync::LazyLock;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::BACKOFF;
use crate::db::Explain as _;
use crate::error::Result;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rescued {
    /// They wait for another attempt.
    pub pending: usize,
    /// They have none left.
    pub failed: usize,
}

// Enough at once to keep up with a fleet that died, few enough for a short transaction.
static RESCUE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "with late as materialized (
            select id from public.task_queue
            where status = 'processing' and leased_until < now()
            order by leased_until limit 1000 for update skip locked
        )
        update public.task_queue as t
        set status = case when t.attempts < t.max_attempts then 'pending' else 'failed' end,
            scheduled_at = case when t.attempts < t.max_attempts then now() + {BACKOFF}
                else t.scheduled_at end,
            completed_at = case when t.attempts < t.max_attempts then null else now() end,
            error_message = format('worker %s did not finish attempt %s of %s within its lease',
                t.leased_by, t.attempts, t.max_attempts),
            leased_by = null, leased_until = null
        from late where t.id = late.id
        returning t.status = 'failed'"
    )
});

/// Somebody lowered their number of attempts: they would wait for ever.
const SPENT: &str = "\
    update public.task_queue
    set status = 'failed', completed_at = now(),
        error_message = coalesce(error_message, format('all %s attempts are used up', max_attempts))
    where id in (select id from public.task_queue
        where status = 'pending' and attempts >= max_attempts limit 1000 for update skip locked)
    returning true";

pub async fn rescue(connection: &mut PgConnection) -> Result<Rescued> {
    let mut rescued = Rescued::default();
    for sql in [RESCUE.as_str(), SPENT] {
        for has_failed in run(connection, sql).await? {
            *(if has_failed { &mut rescued.failed } else { &mut rescued.pending }) += 1;
        }
    }
    Ok(rescued)
}

async fn run(connection: &mut PgConnection, sql: &'static str) -> Result<Vec<bool>> {
    const DOING: &str = "rescuing tasks";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let rescue = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    let rows = rescue.fetch_all(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(rows)
}
