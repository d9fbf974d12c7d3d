//! One column of one row. What a person put there stays, unless the task was told otherwise; what
//! a model wrote, and nobody changed since, may be replaced.

use serde::Serialize;
use serde_json::{Map, Value, json};
use sqlx::types::Json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::table::{Table, columns, object, quoted, safe};
use super::{Done, Stop, seeded, sent, stop};
use crate::enrich::{Claimed, FailureKind, Provenance, Write};

/// A value that stays as somebody wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub table: String,
    pub key: Value,
    pub column: String,
}

/// A row's column as it stands, the row locked.
struct Standing {
    key: Value,
    value: Value,
    is_empty: bool,
    version: String,
}

pub(super) async fn write(
    transaction: &mut PgConnection,
    task: &Claimed,
    write: &Write,
    run_id: Uuid,
) -> Result<Done, Stop> {
    let Write::Field { table, key, column, value, overwrite, by } = write else {
        return Ok(Done::Nothing);
    };
    let table = Table::new(table);
    let standing = stands(transaction, &table, key, column, " for update of t").await?;
    let earlier = earlier(transaction, &table, &standing, column).await?;
    if !standing.is_empty && !overwrite && earlier.is_none() {
        let Table { name: table, .. } = table;
        return Ok(Done::Kept(Kept { table, key: standing.key, column: column.clone() }));
    }
    let Some(set) = set(transaction, &table, key, column, value).await? else {
        return Ok(Done::Nothing);
    };
    seeded::still(transaction, &table, &standing.key, &standing.version).await?;
    // What stood there before any model came.
    let former = earlier.unwrap_or(standing.value);
    let new = New { table: &table.name, row_key: &standing.key, column, value: &set, former };
    new.note(transaction, task, by, run_id).await?;
    Ok(Done::Written)
}

/// What a person has put there, as [`write()`] would find it now. Nothing is locked.
pub(in crate::enrich) async fn persons(
    connection: &mut PgConnection,
    table: &str,
    key: &Map<String, Value>,
    column: &str,
) -> Result<Option<Kept>, Stop> {
    let mut transaction = connection.begin().await.map_err(stop)?;
    let table = Table::new(table);
    let standing = stands(&mut transaction, &table, key, column, "").await?;
    let is_persons =
        !standing.is_empty && earlier(&mut transaction, &table, &standing, column).await?.is_none();
    transaction.commit().await.map_err(stop)?;
    let column = column.to_owned();
    Ok(is_persons.then_some(Kept { table: table.name, key: standing.key, column }))
}

async fn stands(
    transaction: &mut PgConnection,
    table: &Table,
    key: &Map<String, Value>,
    column: &str,
    lock: &str,
) -> Result<Standing, Stop> {
    let names = columns(key, table)?;
    let sql = format!(
        "select {key}, t.xmin::text, coalesce(to_jsonb(t.{column}), 'null'),
            t.{column} is null or btrim(t.{column}::text, E' \\t\\n\\r\\f\\u00a0') in ('', '{{}}', '[]')
        from {table} as t, jsonb_populate_record(null::{table}, $1::jsonb) as k
        where {same}{lock}",
        key = object("t", names.iter().copied()),
        column = quoted(column),
        table = table.sql,
        same = Table::same(&names),
    );
    let select = sqlx::query_as(safe(sql)).bind(sent::parameter(key)).persistent(false);
    let mut rows: Vec<(Json<Value>, String, Json<Value>, bool)> =
        select.fetch_all(transaction).await.map_err(stop)?;
    match (rows.pop(), rows.len()) {
        (Some((Json(key), version, Json(value), is_empty)), 0) => {
            Ok(Standing { key, value, is_empty, version })
        }
        (None, _) => Err(refused(format!("{} has no row {} any more", table.name, json!(key)))),
        _ => Err(refused(format!("{} has several rows {}", table.name, json!(key)))),
    }
}

fn refused(why: String) -> Stop {
    Stop::Refused(FailureKind::Final, why)
}

/// What stood there before a model wrote what stands there now.
async fn earlier(
    transaction: &mut PgConnection,
    table: &Table,
    standing: &Standing,
    column: &str,
) -> Result<Option<Value>, Stop> {
    const EARLIER: &str = "\
        select coalesce(former, 'null') from public.enrichments
        where table_name = $1 and row_key = $2::jsonb and column_name = $3
            and reverted_at is null and value = $4::jsonb";
    let select = sqlx::query_scalar(EARLIER).bind(&table.name).bind(sent::parameter(&standing.key));
    let select = select.bind(column).bind(sent::parameter(&standing.value)).persistent(false);
    let former: Option<Json<Value>> = select.fetch_optional(transaction).await.map_err(stop)?;
    Ok(former.map(|Json(former)| former))
}

/// Sets it, and tells what stands there now: Postgres converts the value, and triggers may too.
/// Nothing, where that stood there before.
pub(in crate::enrich) async fn set(
    transaction: &mut PgConnection,
    table: &Table,
    key: &Map<String, Value>,
    column: &str,
    value: &Value,
) -> Result<Option<Value>, Stop> {
    let names = columns(key, table)?;
    let sql = format!(
        "update {table} as t set {column} = v.{column}
        from jsonb_populate_record(null::{table}, $1::jsonb) as k,
            jsonb_populate_record(null::{table}, $2::jsonb) as v
        where {same} and to_jsonb(t.{column}) is distinct from to_jsonb(v.{column})
        returning coalesce(to_jsonb(t.{column}), 'null')",
        table = table.sql,
        column = quoted(column),
        same = Table::same(&names),
    );
    let update = sqlx::query_scalar(safe(sql)).bind(sent::parameter(key));
    let update = update.bind(sent::parameter(&json!({column: value}))).persistent(false);
    let set: Option<Json<Value>> = update.fetch_optional(transaction).await.map_err(stop)?;
    Ok(set.map(|Json(set)| set))
}

/// A line of what models wrote.
pub(super) struct New<'a> {
    pub table: &'a str,
    pub row_key: &'a Value,
    pub column: &'a str,
    pub value: &'a Value,
    pub former: Value,
}

impl New<'_> {
    /// Writes it down, in place of what a model wrote there before.
    pub async fn note(
        &self,
        transaction: &mut PgConnection,
        task: &Claimed,
        by: &Provenance,
        run_id: Uuid,
    ) -> Result<(), Stop> {
        const NOTE: &str = "\
            insert into public.enrichments as e (table_name, row_key, column_name, value, former,
                task_id, task_type, run_id, provider, model, prompt_hash)
            values ($1, $2::jsonb, $3, $4::jsonb, $5::jsonb, $6, $7, $8, $9, $10, $11)
            on conflict (table_name, row_key, column_name) where reverted_at is null do update
            set value = excluded.value, former = excluded.former, task_id = excluded.task_id,
                task_type = excluded.task_type, run_id = excluded.run_id,
                provider = excluded.provider, model = excluded.model,
                prompt_hash = excluded.prompt_hash, created_at = now()";
        let note = sqlx::query(NOTE).bind(self.table).bind(sent::parameter(self.row_key));
        let note = note.bind(self.column).bind(sent::parameter(self.value));
        let note = note.bind(sent::parameter(&self.former)).bind(task.id).bind(&task.task_type);
        let note = note.bind(run_id).bind(&by.provider).bind(&by.model).bind(&by.prompt_hash);
        note.persistent(false).execute(transaction).await.map_err(stop)?;
        Ok(())
    }
}
