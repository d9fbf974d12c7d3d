//! What models wrote into tables and still stands as they wrote it: seeding leaves it alone, an
//! export marks it, and pages can say so.

use serde::Deserialize;
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use super::{Explain as _, quoted_part};
use crate::error::Result;

/// A column of a row as a model wrote it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Standing {
    /// Of the line in `enrichments`.
    pub id: Uuid,
    /// The row, by the columns that were asked for, and the same as Postgres writes it.
    pub key: serde_json::Value,
    pub key_text: String,
    pub column: String,
    pub value: serde_json::Value,
    /// The model added the whole row, of which it wrote so many columns.
    pub whole: Option<usize>,
    pub task: String,
    pub provider: String,
    pub model: String,
    /// RFC 3339, to the second.
    pub at: String,
}

const DOING: &str = "reading what models wrote";

/// Whether this user can read what models wrote: not where it was never migrated, or is another's.
pub async fn is_readable(conn: &mut PgConnection) -> Result<bool> {
    const READABLE: &str = "\
        select coalesce(has_table_privilege(to_regclass('public.enrichments')::oid, 'select'), false)";
    sqlx::query_scalar(READABLE).persistent(false).fetch_one(conn).await.or_explain(DOING)
}

/// The tables in which values of models may stand.
pub async fn tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    const TABLES: &str = "\
        select distinct table_name from public.enrichments where reverted_at is null order by 1";
    sqlx::query_scalar(TABLES).persistent(false).fetch_all(conn).await.or_explain(DOING)
}

/// The columns by which rows of a table are named there, set by set; those that the table has.
async fn keys(conn: &mut PgConnection, name: &str, table: &str) -> Result<Vec<Vec<String>>> {
    const KEYS: &str = "\
        select distinct key from (
            select array(select jsonb_object_keys(row_key) order by 1) as key
            from public.enrichments
            where table_name = $1 and reverted_at is null and jsonb_typeof(row_key) = 'object'
        ) as keys
        where key <> '{}' and key <@ array(
            select attname::text from pg_catalog.pg_attribute
            where attrelid = to_regclass($2) and attnum > 0 and not attisdropped
        )
        order by key";
    let keys = sqlx::query_scalar(KEYS).bind(name).bind(table).persistent(false);
    keys.fetch_all(conn).await.or_explain(DOING)
}

/// Whether every line names its row by its `id` and nothing else.
pub async fn are_by_id(conn: &mut PgConnection) -> Result<bool> {
    const BY_ID: &str = "\
        select coalesce(bool_and(case when jsonb_typeof(row_key) = 'object'
            then row_key ? 'id' and row_key - 'id' = '{}' else false end), true)
        from public.enrichments where reverted_at is null";
    sqlx::query_scalar(BY_ID).persistent(false).fetch_one(conn).await.or_explain(DOING)
}

/// What stands in a table, in the order of its lines. `name` is the table as lines name it, `table`
/// as SQL takes it; `key` makes of the row `t` what tells it from others, or else its key is what
/// lines name it by. `only` names the rows to look at by their keys.
pub async fn standing(
    conn: &mut PgConnection,
    name: &str,
    table: &str,
    key: Option<&str>,
    only: Option<&[&str]>,
) -> Result<Vec<Standing>> {
    let key = key.unwrap_or("e.row_key");
    let which = if only.is_some() { format!("{key} = any($3::jsonb[])") } else { String::new() };
    let mut all = Vec::new();
    for columns in keys(conn, name, table).await? {
        let sql = statement(table, key, &columns, &which);
        all.extend(select(conn, name, &sql, &columns, only).await?);
    }
    Ok(all)
}

/// The same of a few rows, where lines name rows [by their `id`](are_by_id): `only` holds an object
/// of it for each of them.
pub async fn standing_by_id(
    conn: &mut PgConnection,
    name: &str,
    table: &str,
    only: &[&str],
) -> Result<Vec<Standing>> {
    let columns = ["id".to_owned()];
    let sql = statement(table, "e.row_key", &columns, "e.row_key = any($3::jsonb[])");
    select(conn, name, &sql, &columns, Some(only)).await
}

async fn select(
    conn: &mut PgConnection,
    name: &str,
    sql: &str,
    columns: &[String],
    only: Option<&[&str]>,
) -> Result<Vec<Standing>> {
    let mut savepoint = conn.begin().await.or_explain(DOING)?;
    let select = sqlx::query_scalar(AssertSqlSafe(sql)).bind(name).bind(columns);
    let select = match only {
        Some(only) => select.bind(only),
        None => select,
    };
    let found: sqlx::Result<Vec<Json<Standing>>> =
        select.persistent(false).fetch_all(&mut *savepoint).await;
    match found {
        Ok(found) => {
            savepoint.commit().await.or_explain(DOING)?;
            Ok(found.into_iter().map(|Json(found)| found).collect())
        }
        // A key that its column does not take any more names no row.
        Err(error) if error.as_database_error().is_some() => {
            tracing::warn!("what models wrote into {name} is not told: {error}");
            savepoint.rollback().await.or_explain(DOING)?;
            Ok(Vec::new())
        }
        Err(error) => Err(error).or_explain(DOING),
    }
}

fn statement(table: &str, key: &str, columns: &[String], which: &str) -> String {
    let only = if which.is_empty() { String::new() } else { format!("and {which}") };
    let same = columns.iter().map(|name| format!("t.{0} = k.{0}", quoted_part(name)));
    format!(
        "select jsonb_build_object('id', e.id, 'key', {key}, 'key_text', ({key})::text, 'column', f.name, 'value', f.value,
            'whole', case when e.column_name = '*' then f.number end,
            'task', e.task_type, 'provider', e.provider, 'model', e.model,
            'at', to_char(e.created_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'))
        from public.enrichments as e
        cross join lateral jsonb_populate_record(null::{table}, e.row_key) as k
        join {table} as t on {same}
        cross join lateral (
            select name, value, count(*) over () as number
            from jsonb_each(case
                when e.column_name = '*' and jsonb_typeof(e.value) = 'object' then e.value
                else jsonb_build_object(e.column_name, coalesce(e.value, 'null')) end
            ) as written (name, value)
        ) as f
        where e.table_name = $1 and e.reverted_at is null
            and array(select jsonb_object_keys(e.row_key) order by 1) = $2::text[]
            and coalesce(to_jsonb(t) -> f.name, 'null') = f.value {only}
        order by e.created_at, e.id, f.name collate \"C\"",
        same = same.collect::<Vec<_>>().join(" and "),
    )
}

/// Ends lines: what they tell of is a person's by now, so nothing takes it back.
pub async fn close(conn: &mut PgConnection, ids: &[Uuid]) -> Result<()> {
    const CLOSE: &str = "\
        update public.enrichments set reverted_at = now()
        where id = any($1) and reverted_at is null";
    if !ids.is_empty() {
        let close = sqlx::query(CLOSE).bind(ids).persistent(false);
        close.execute(conn).await.or_explain("noting what a person wrote")?;
    }
    Ok(())
}
