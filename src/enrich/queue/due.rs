//! Whether there is anything to do, for those who would not do it.

use sqlx::PgConnection;

use crate::db::Explain as _;
use crate::error::Result;

/// Whether a task could be claimed right now; false where there is no queue, or this login may not
/// see it.
pub async fn is_any_due(connection: &mut PgConnection) -> Result<bool> {
    const DOING: &str = "looking for tasks that are due";
    const MAY: &str =
        "select coalesce(has_table_privilege(to_regclass('public.task_queue'), 'select'), false)";
    const ANY: &str = "\
        select exists (select from public.task_queue
            where status = 'pending' and scheduled_at <= now() and attempts < max_attempts)";
    let may = sqlx::query_scalar(MAY).persistent(false).fetch_one(&mut *connection).await;
    if !may.or_explain(DOING)? {
        return Ok(false);
    }
    let any = sqlx::query_scalar(ANY).persistent(false).fetch_one(connection).await;
    any.or_explain(DOING)
}
