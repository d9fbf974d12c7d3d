//! What the database tells of rows, of the vectors and tasks that there are of them, and of a run.

use std::collections::HashSet;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::{Looked, PAGE, Wanted};
use crate::db;
use crate::enrich::json as sent;
use crate::enrich::record::table::{Table, object};
use crate::enrich::task::{Job, Subject, is_embedding};
use crate::error::Result;

/// The next rows in the order of their ids; those alone whose column is empty, if the job has one.
pub(super) async fn page(
    conn: &mut PgConnection,
    looked: &Looked,
    after: Option<&Value>,
) -> Result<Vec<Subject>> {
    /// `jsonb_build_object` takes a hundred arguments.
    const MOST_COLUMNS: usize = 40;
    let Job { table: name, column, from, .. } = &looked.job;
    let table = db::quoted(name);
    let is_small = is_embedding(looked.kind.name()) && (1..=MOST_COLUMNS).contains(&from.len());
    let row = if is_small {
        let mut columns = from.clone();
        columns.push("id".to_owned());
        object("r", columns.iter())
    } else {
        "to_jsonb(r)".to_owned()
    };
    let mut wheres = vec!["r.id is not null".to_owned()];
    if let Some(column) = column {
        let column = db::quoted_part(column);
        wheres.push(format!("coalesce(btrim(r.{column}::text, E' \\t\\n\\r\\f\\u00a0'), '') = ''"));
    }
    if after.is_some() {
        wheres.push(format!("r.id > (jsonb_populate_record(null::{table}, $1::jsonb)).id"));
    }
    let wheres = wheres.join(" and ");
    let sql = format!("select {row} from {table} as r where {wheres} order by r.id limit {PAGE}");
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    if let Some(id) = after {
        query = query.bind(sent::parameter(&json!({"id": id})));
    }
    let rows: Vec<Value> = db::alone!(conn, query, fetch_all)
        .map_err(|error| db::explain_owner(error, &format!("looking through {name}")))?;
    Ok(rows.into_iter().filter_map(Subject::from_row).collect())
}

/// The stored hashes of these rows, which are of the model too.
pub(super) async fn hashes(
    conn: &mut PgConnection,
    looked: &Looked,
    models: &[&str],
    ids: &[Uuid],
) -> Result<HashSet<(String, String)>> {
    const HASHES: &str = "\
        select row_id::text, content_hash from public.content_embeddings
        where collection = $1 and embedding_model = any($2) and row_id = any($3)";
    let hashes = sqlx::query_as(HASHES).bind(&looked.job.collection).bind(models).bind(ids);
    let hashes: Vec<(String, String)> = db::alone!(conn, hashes.persistent(false), fetch_all)
        .map_err(|error| db::explain_owner(error, "looking for embeddings"))?;
    Ok(hashes.into_iter().collect())
}

/// Those that wait or run, and those whose last task came to an end that stands: it was about the
/// same texts, or nobody but models has touched the row since. A vector that was made and is gone is made
/// again.
pub(super) async fn done(
    conn: &mut PgConnection,
    looked: &Looked,
    wanted: &[Wanted],
) -> Result<HashSet<String>> {
    const DONE: &str = "\
        select w.target
        from jsonb_to_recordset($2::jsonb) as w(target text, id jsonb, hash text, updated_at timestamptz)
        where exists (select from public.task_queue as live
            where live.task_type = $1 and live.target = w.target
                and live.status in ('pending', 'processing'))
        or exists (select from (
            select q.payload->>'hash' as hash, q.status = 'failed' or q.result ? 'nothing' as is_off,
                greatest(q.completed_at, (select max(e.reverted_at) from public.enrichments as e
                    where e.task_id = q.id)) as ended_at
            from public.task_queue as q
            where q.task_type = $1 and q.target = w.target and q.status in ('completed', 'failed')
            order by q.completed_at desc nulls last limit 1) as last
            where last.hash = w.hash and (last.is_off or not $3)
                or last.hash is null and not $3 and (coalesce(w.updated_at <= last.ended_at, true)
                    or exists (select from public.enrichments as e
                        where e.table_name = $4 and e.row_key = jsonb_build_object('id', w.id)
                            and w.updated_at in (e.created_at, e.reverted_at))))";
    let rows: Vec<Value> = wanted
        .iter()
        .map(|it| {
            json!({"target": it.target, "id": it.id, "hash": it.hash, "updated_at": it.updated_at})
        })
        .collect();
    let done = sqlx::query_scalar(DONE).bind(looked.kind.name()).bind(sent::parameter(&rows));
    let done = done.bind(is_embedding(looked.kind.name()));
    let done = done.bind(Table::new(&looked.job.table).name).persistent(false);
    let done: Vec<String> = db::alone!(conn, done, fetch_all)
        .map_err(|error| db::explain_owner(error, "looking what was done"))?;
    Ok(done.into_iter().collect())
}

/// The names that tasks have asked about which came to an end.
pub(super) async fn asked(
    conn: &mut PgConnection,
    kind: &str,
    target: &str,
) -> Result<Vec<String>> {
    const ASKED: &str = "\
        select distinct name #>> '{}'
        from public.task_queue as q, jsonb_path_query(q.payload, 'lax $.names[*]') as name
        where q.task_type = $1 and q.target = $2 and q.status in ('completed', 'failed')
            and jsonb_typeof(name) = 'string'";
    let asked = sqlx::query_scalar(ASKED).bind(kind).bind(target).persistent(false);
    db::alone!(conn, asked, fetch_all)
        .map_err(|error| db::explain_owner(error, "looking what was asked"))
}

/// How many questions of a run were answered by a model.
pub(super) async fn answers(conn: &mut PgConnection, run_id: Uuid) -> Result<i64> {
    const ANSWERS: &str = "\
        select count(*) from public.agent_run_logs
        where session_id = $1 and task_type not in ('reflect', 'embed') and not is_cached
            and error is null and input ? 'user'";
    let count = sqlx::query_scalar(ANSWERS).bind(run_id).persistent(false);
    db::alone!(conn, count, fetch_one).map_err(|error| db::explain_owner(error, "counting answers"))
}
