//! Marks of changes: which ones a read has seen, and taking those away once they are deployed.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::errors::Explain as _;
use crate::error::Result;

/// The marks that were there when a snapshot was taken, each with its count by then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub marks: Vec<(Uuid, i64)>,
    pub at: DateTime<Utc>,
}

/// Whether there are marks, and this login may read them. To be asked before anything that would
/// break off a transaction.
async fn are_readable(connection: &mut PgConnection) -> Result<bool> {
    let sql =
        "select coalesce(has_table_privilege(to_regclass('public.site_changes'), 'select'), false)";
    let readable = sqlx::query_scalar(sql).persistent(false).fetch_one(connection).await;
    readable.or_explain("looking for changes that are to be deployed")
}

/// The marks that this transaction sees: what they stand for, it sees too.
pub async fn seen(connection: &mut PgConnection) -> Result<Option<Seen>> {
    if !are_readable(connection).await? {
        return Ok(None);
    }
    let sql = "select id, change_count from public.site_changes";
    let marks = sqlx::query_as(sql).persistent(false).fetch_all(connection).await;
    let marks = marks.or_explain("reading which changes are to be deployed")?;
    Ok(Some(Seen { marks, at: Utc::now() }))
}

/// The tables with changes that no deployment has taken in, each with a text that names its marks, one
/// after the other with commas between, so that those left over can be told from new ones.
pub async fn pending(connection: &mut PgConnection) -> Result<Vec<(String, String)>> {
    if !are_readable(connection).await? {
        return Ok(Vec::new());
    }
    // A mark that could not be written is known by a counter.
    let may = "select coalesce(has_schema_privilege(to_regnamespace('frieze'), 'usage')
        and has_function_privilege(to_regprocedure('frieze.note_lost()')::oid, 'execute'), false)";
    let may: bool = sqlx::query_scalar(may)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain("looking for marks that were lost")?;
    if may {
        let noted = sqlx::query("select frieze.note_lost(), frieze.tidy()").persistent(false);
        noted.execute(&mut *connection).await.or_explain("noting marks that were lost")?;
    }
    let sql =
        "select table_name, string_agg(left(id::text, 18) || ' ' || change_count, ',' order by id)
        from public.site_changes group by 1 order by 1";
    let rows = sqlx::query_as(sql).persistent(false).fetch_all(connection).await;
    rows.or_explain("reading which changes are to be deployed")
}

/// Takes these marks away. One that counts more than was seen stays, for what came since; so does one
/// that a transaction holds, which is about to count more.
pub async fn consume(connection: &mut PgConnection, seen: &Seen) -> Result<u64> {
    const DOING: &str = "noting which changes are deployed";
    if seen.marks.is_empty() {
        return Ok(0);
    }
    let (ids, counts): (Vec<Uuid>, Vec<i64>) = seen.marks.iter().copied().unzip();
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let gone = sqlx::query(
        "delete from public.site_changes where id in (
            select c.id from public.site_changes c
            join unnest($1::uuid[], $2::bigint[]) as seen (id, count)
                on c.id = seen.id and c.change_count = seen.count
            for update of c skip locked)",
    );
    let gone = gone.bind(&ids).bind(&counts).persistent(false);
    let gone = gone.execute(&mut *transaction).await.or_explain(DOING)?.rows_affected();
    let younger = sqlx::query(
        "update public.site_changes set first_changed_at = least(last_changed_at, $2)
         where id in (
            select id from public.site_changes where id = any ($1) and first_changed_at < $2
            for update skip locked)",
    );
    let younger = younger.bind(&ids).bind(seen.at).persistent(false);
    younger.execute(&mut *transaction).await.or_explain(DOING)?;
    transaction.commit().await.or_explain(DOING)?;
    Ok(gone)
}
