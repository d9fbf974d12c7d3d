//! What becomes of a task that did not succeed, and of one that was interrupted.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::{Stop, calls, sent, stop};
use crate::db::Explain as _;
use crate::enrich::queue::BACKOFF;
use crate::enrich::router::IDLE;
use crate::enrich::{Claimed, Failure, FailureKind};
use crate::error::{Error, Result};

/// What became of a task that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failed {
    /// Another attempt follows after this.
    Again(Duration),
    /// No attempt was used up; it is due again after this.
    PutBack(Duration),
    Finally,
    /// The task is another worker's by now, or somebody cancelled it: nothing was recorded.
    Lost,
}

/// So many faults use up an attempt: what fails with one question only would fail for ever.
const MANY: i32 = 5;
impl Failed {
    pub fn name(self) -> &'static str {
        match self {
            Self::Again(_) => "attempt_failed",
            Self::PutBack(_) => "unavailable",
            Self::Finally => "failed",
            Self::Lost => "lost",
        }
    }
}

/// As much of a message as anybody reads.
const LONGEST: usize = 2000;

// All three tell for how many seconds the task waits now; nothing if it does not.
static RETRY: LazyLock<String> = LazyLock::new(|| {
    format!(
        "update public.task_queue as t
        set status = case when t.attempts < t.max_attempts then 'pending' else 'failed' end,
            scheduled_at = case when t.attempts < t.max_attempts then now() + {BACKOFF}
                else t.scheduled_at end,
            completed_at = case when t.attempts < t.max_attempts then null else now() end,
            error_message = $4, leased_by = null, leased_until = null
        where t.id = $1 and t.status = 'processing' and t.attempts = $2 and t.started_at = $3
        returning case when t.status = 'pending'
            then extract(epoch from t.scheduled_at - now())::float8 end"
    )
});
const FINALLY: &str = "\
    update public.task_queue
    set status = 'failed', completed_at = now(), error_message = $4, leased_by = null,
        leased_until = null
    where id = $1 and status = 'processing' and attempts = $2 and started_at = $3
    returning null::float8";
const PUT_BACK: &str = "\
    update public.task_queue
    set status = 'pending', attempts = attempts - 1, error_message = coalesce($4, error_message),
        scheduled_at = case when $5 > 0 then now() + make_interval(secs => $5)
            else least(scheduled_at, now()) end,
        started_at = null, leased_by = null, leased_until = null
    where id = $1 and status = 'processing' and attempts = $2 and started_at = $3
    returning $5::float8";

/// Records that an attempt failed, with the calls it made.
pub async fn fail(
    connection: &mut PgConnection,
    task: &Claimed,
    failure: &Failure,
    run_id: Uuid,
) -> Result<Failed> {
    match attempt(connection, task, failure, run_id).await {
        Ok(failed) => Ok(failed),
        Err(Stop::Broken(error)) => Err(error),
        // A log that cannot be written must not keep a task for ever.
        Err(Stop::Refused(_, why)) => {
            tracing::warn!("the calls of task {} are not logged: {why}", task.id);
            let failure = Failure { calls: Vec::new(), ..failure.clone() };
            attempt(connection, task, &failure, run_id).await.map_err(error)
        }
        Err(Stop::Again(_)) => attempt(connection, task, failure, run_id).await.map_err(error),
    }
}

/// What to say where there is no task to blame.
pub(in crate::enrich) fn error(stop: Stop) -> Error {
    match stop {
        Stop::Refused(_, why) => Error::database(format!("a task cannot be recorded: {why}")),
        Stop::Broken(error) | Stop::Again(error) => error,
    }
}

/// Counts that somebody was asked and did not manage: how often since an attempt was used up.
async fn faults(transaction: &mut PgConnection, task: &Claimed) -> Result<Option<i32>, Stop> {
    const FAULTS: &str = "\
        update public.task_queue set faults = (faults + 1) % $4
        where id = $1 and status = 'processing' and attempts = $2 and started_at = $3
        returning faults";
    let update = sqlx::query_scalar(FAULTS).bind(task.id).bind(task.attempts);
    let update = update.bind(task.claimed_at).bind(MANY);
    update.persistent(false).fetch_optional(transaction).await.map_err(stop)
}

async fn attempt(
    connection: &mut PgConnection,
    task: &Claimed,
    failure: &Failure,
    run_id: Uuid,
) -> Result<Failed, Stop> {
    let mut transaction = connection.begin().await.map_err(stop)?;
    let message = short(&failure.message);
    let (sql, after) = match failure.kind {
        FailureKind::Retry => (RETRY.as_str(), None),
        // That depends on the configuration: whoever comes next may have another one.
        FailureKind::Down(IDLE) => (PUT_BACK, Some(Duration::ZERO)),
        FailureKind::Unavailable(after) | FailureKind::Down(after) => (PUT_BACK, Some(after)),
        FailureKind::Faulty(after) => match faults(&mut transaction, task).await? {
            Some(0) => (RETRY.as_str(), None),
            _ => (PUT_BACK, Some(after)),
        },
        FailureKind::Final => (FINALLY, None),
    };
    let mut update = sqlx::query_scalar(AssertSqlSafe(sql)).bind(task.id).bind(task.attempts);
    update = update.bind(task.claimed_at).bind(Some(message));
    if let Some(after) = after {
        update = update.bind(after.as_secs_f64());
    }
    let row: Option<Option<f64>> =
        update.persistent(false).fetch_optional(&mut *transaction).await.map_err(stop)?;
    let Some(seconds) = row else { return Ok(Failed::Lost) };
    calls::log(&mut transaction, std::iter::once((task, failure.calls.as_slice())), run_id).await?;
    transaction.commit().await.map_err(stop)?;
    Ok(match (seconds, after) {
        (_, Some(_)) => Failed::PutBack(wait_of(failure.kind)),
        (Some(seconds), None) => Failed::Again(Duration::from_secs_f64(seconds.max(0.0))),
        (None, None) => Failed::Finally,
    })
}

/// How long this worker leaves it alone.
fn wait_of(kind: FailureKind) -> Duration {
    match kind {
        FailureKind::Unavailable(after) | FailureKind::Down(after) | FailureKind::Faulty(after) => {
            after
        }
        FailureKind::Retry | FailureKind::Final => Duration::ZERO,
    }
}

/// Gives back a task that was interrupted: due at once, no attempt used up. False if it was lost.
pub async fn put_back(connection: &mut PgConnection, task: &Claimed) -> Result<bool> {
    const DOING: &str = "putting a task back";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let update = sqlx::query_scalar(PUT_BACK).bind(task.id).bind(task.attempts);
    let update = update.bind(task.claimed_at).bind(None::<String>).bind(0.0_f64).persistent(false);
    let row: Option<f64> = update.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(row.is_some())
}

fn short(message: &str) -> String {
    let message = sent::text(message);
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_long_as_anybody_reads() {
        assert_eq!(short("no\0pe"), "nope");
        let long = short(&"ä".repeat(LONGEST + 1));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with("ä…"), "{long}");
    }
}
