//! What people do to tasks: cancel them, and try failed ones again.

use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::Explain as _;
use crate::error::{Error, Result};

/// What stands in the task as its error. Trying all failed ones again leaves them out.
const CANCELLED: &str = "cancelled";

/// What became of a failed task that should be tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Retried {
    Pending,
    /// A live task does the same already.
    Repeats(Uuid),
}

/// Ends a live task. A worker that is at it will find out when it finishes, and record nothing.
pub async fn cancel(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    const CANCEL: &str = "\
        update public.task_queue
        set status = 'failed', completed_at = now(), error_message = $1, leased_by = null,
            leased_until = null
        where id = $2 and status in ('pending', 'processing') returning id";
    const DOING: &str = "cancelling a task";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let cancel = sqlx::query_scalar(CANCEL).bind(CANCELLED).bind(id).persistent(false);
    let done: Option<Uuid> = cancel.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    match done {
        Some(_) => Ok(()),
        None => {
            Err(not_that(connection, id, "only pending and processing tasks are cancelled").await?)
        }
    }
}

/// Ends all tasks that wait, of these types or of all. Says how many.
pub async fn cancel_pending(connection: &mut PgConnection, types: &[String]) -> Result<u64> {
    const CANCEL: &str = "\
        update public.task_queue
        set status = 'failed', completed_at = now(), error_message = $1
        where status = 'pending' and (cardinality($2::text[]) = 0 or task_type = any($2))";
    const DOING: &str = "cancelling tasks";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let cancel = sqlx::query(CANCEL).bind(CANCELLED).bind(types).persistent(false);
    let done = cancel.execute(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(done.rows_affected())
}

// Two of them may do the same: the younger one is taken. One that a live task repeats is not.
macro_rules! retry {
    ($which:literal) => {
        concat!(
            "update public.task_queue as t
            set status = 'pending', attempts = 0, scheduled_at = now(), started_at = null,
                completed_at = null, error_message = null, result = null
            where t.status = 'failed' and t.id in (
                select distinct on (f.task_type, coalesce(f.target, f.id::text)) f.id
                from public.task_queue as f where f.status = 'failed' and ",
            $which,
            "   and not exists (select from public.task_queue as live
                    where live.task_type = f.task_type and live.target = f.target
                        and live.status in ('pending', 'processing'))
                order by f.task_type, coalesce(f.target, f.id::text), f.created_at desc)"
        )
    };
}

/// Gives a failed task all its attempts again, from now on.
pub async fn retry(connection: &mut PgConnection, id: Uuid) -> Result<Retried> {
    const DOING: &str = "trying a task again";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let retry = sqlx::query(retry!("f.id = $1")).bind(id).persistent(false);
    let done = retry.execute(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    if done.rows_affected() > 0 {
        return Ok(Retried::Pending);
    }
    match repeats(connection, id).await? {
        Some(live) => Ok(Retried::Repeats(live)),
        None => Err(not_that(connection, id, "only failed tasks are tried again").await?),
    }
}

/// All failed tasks, of these types or of all, except those that somebody cancelled. Says how many.
pub async fn retry_failed(connection: &mut PgConnection, types: &[String]) -> Result<u64> {
    const DOING: &str = "trying failed tasks again";
    const RETRY: &str = retry!(
        "f.error_message is distinct from $1 \
         and (cardinality($2::text[]) = 0 or f.task_type = any($2))"
    );
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let retry = sqlx::query(RETRY).bind(CANCELLED).bind(types).persistent(false);
    let done = retry.execute(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(done.rows_affected())
}

async fn repeats(connection: &mut PgConnection, id: Uuid) -> Result<Option<Uuid>> {
    const REPEATS: &str = "\
        select live.id from public.task_queue as f
        join public.task_queue as live on live.task_type = f.task_type and live.target = f.target
            and live.status in ('pending', 'processing')
        where f.id = $1 and f.status = 'failed'";
    const DOING: &str = "looking for a task";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let repeats = sqlx::query_scalar(REPEATS).bind(id).persistent(false);
    let live = repeats.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(live)
}

async fn not_that(connection: &mut PgConnection, id: Uuid, rule: &str) -> Result<Error> {
    const DOING: &str = "looking for a task";
    const STATUS: &str = "select status from public.task_queue where id = $1";
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let status = sqlx::query_scalar(STATUS).bind(id).persistent(false);
    let status: Option<String> =
        status.fetch_optional(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(match status {
        Some(status) => Error::content(format!("task {id} is {status}: {rule}")),
        None => Error::content(format!("there is no task {id}")),
    })
}
