//! A new row, unless one that is the same in the columns that matter is there.

use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::field::New;
use super::table::{Table, columns, object, quoted, safe};
use super::{Done, Stop, sent, stop};
use crate::enrich::{Claimed, Write};

/// Stands for all columns that a model wrote of a row it added.
pub(in crate::enrich) const WHOLE: &str = "*";

pub(super) async fn write(
    transaction: &mut PgConnection,
    task: &Claimed,
    write: &Write,
    run_id: Uuid,
) -> Result<Done, Stop> {
    let Write::Row { table, fields, unless, by } = write else { return Ok(Done::Nothing) };
    let table = Table::new(table);
    let Some((key, value)) = insert(transaction, &table, fields, unless).await? else {
        return Ok(Done::Nothing);
    };
    let new = New {
        table: &table.name,
        row_key: &key,
        column: WHOLE,
        value: &value,
        former: Value::Null,
    };
    new.note(transaction, task, by, run_id).await?;
    Ok(Done::Written)
}

/// The new row's key and what it holds of the fields; none, if one is there.
async fn insert(
    transaction: &mut PgConnection,
    table: &Table,
    fields: &Map<String, Value>,
    unless: &[String],
) -> Result<Option<(Value, Value)>, Stop> {
    let names = columns(fields, table)?;
    let list = |alias: &str| {
        let names = names.iter().map(|name| format!("{alias}{}", quoted(name)));
        names.collect::<Vec<_>>().join(", ")
    };
    let mut key: Vec<String> = table.primary_key(transaction).await?;
    if key.is_empty() {
        key = fields.keys().cloned().collect();
    }
    let sql = format!(
        "insert into {table} as t ({into}) select {from}
        from jsonb_populate_record(null::{table}, $1::jsonb) as r{unless}
        returning {key}, {value}",
        table = table.sql,
        into = list(""),
        from = list("r."),
        unless = missing(table, unless),
        key = object("t", key.iter()),
        value = object("t", names.iter().copied()),
    );
    let insert = sqlx::query_as(safe(sql)).bind(sent::parameter(fields)).persistent(false);
    let row: Option<(Json<Value>, Json<Value>)> =
        insert.fetch_optional(transaction).await.map_err(stop)?;
    Ok(row.map(|(Json(key), Json(value))| (key, value)))
}

fn missing(table: &Table, unless: &[String]) -> String {
    if unless.is_empty() {
        return String::new();
    }
    let same = unless.iter().map(|name| format!("o.{0} is not distinct from r.{0}", quoted(name)));
    let same = same.collect::<Vec<_>>().join(" and ");
    format!(" where not exists (select from {} as o where {same})", table.sql)
}
