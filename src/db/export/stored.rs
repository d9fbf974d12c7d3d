//! Rows as the database has them, each value in the forms that a file can take.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde_json::Value;
use serde_json::value::RawValue;
use sqlx::{AssertSqlSafe, PgConnection};

use super::tables::TIMES;
use super::unreadable;
use crate::db::seed::catalog::{Column, Table};
use crate::db::seed::statement::{key_object, literal};
use crate::error::{Error, Result};

#[derive(Debug)]
pub(super) struct Stored {
    /// Where the row lies, for as long as the transaction lasts: table and place.
    pub at: String,
    /// Its key as seeding records it.
    pub key: String,
    pub version: String,
    pub cells: IndexMap<String, Cell>,
    /// Columns that a row has too which does not name them.
    pub plain: BTreeSet<String>,
}

/// A value.
#[derive(Debug)]
pub(super) struct Cell {
    /// As files write it by custom.
    pub value: Value,
    /// As Postgres writes it: JSON for a column of JSON, text for others.
    pub text: Option<String>,
    pub is_json: bool,
}

/// All rows of a table, the oldest first.
pub(super) async fn load(conn: &mut PgConnection, table: &Table) -> Result<Vec<Stored>> {
    let rows: Vec<(String, String, String, String, String, String)> =
        sqlx::query_as(AssertSqlSafe(statement(table)))
            .persistent(false)
            .fetch_all(conn)
            .await
            .map_err(|error| unreadable(&table.name, error))?;
    rows.into_iter()
        .map(|(at, key, version, values, texts, plain)| {
            let odd = |error: serde_json::Error| odd(table, error);
            let plain = serde_json::from_str(&plain).map_err(odd)?;
            let cells = cells(table, &values, &texts).map_err(odd)?;
            Ok(Stored { at, key, version, cells, plain })
        })
        .collect()
}

fn odd(table: &Table, error: serde_json::Error) -> Error {
    Error::database(format!("the database described a row of {} in an unknown way", table.name))
        .because(error)
}

/// The columns that files may set.
pub(super) fn columns(table: &Table) -> impl Iterator<Item = &Column> {
    table.columns.iter().filter(|column| !column.is_generated)
}

fn statement(table: &Table) -> String {
    let values = columns(table).map(|column| format!("{} as {}", value(column), column.sql));
    let texts = columns(table).filter(|column| !is_plain_text(column));
    let texts = texts.map(|column| format!("{} as {}", text(column), column.sql));
    let plain = columns(table).filter_map(|column| {
        let same =
            format!("row({})::record *= row(t.{})::record", column.constant_default()?, column.sql);
        Some(format!("case when {same} then {}::text end", literal(&column.name)))
    });
    let age = TIMES.iter().find_map(|time| table.column(time));
    let age = age.map_or_else(String::new, |column| format!("t.{}, ", column.sql));
    let by = table.keys.first().map_or(&[][..], |key| key.columns.as_slice());
    let key = key_object(table, by);
    format!(
        "select t.tableoid::text || ' ' || t.ctid::text, {key}::text, t.xmin::text, \
         {}::text, {}::text, array_to_json(array_remove(array[{}]::text[], null))::text \
         from {} as t order by {age}{key}::text collate \"C\"",
        object(values),
        object(texts),
        plain.collect::<Vec<_>>().join(", "),
        table.sql,
    )
}

/// Columns as one JSON object, however many.
fn object(columns: impl Iterator<Item = String>) -> String {
    let columns = columns.collect::<Vec<_>>().join(", ");
    if columns.is_empty() {
        return "'{}'".to_owned();
    }
    format!("row_to_json((select x from (select {columns}) as x))")
}

fn is_plain_text(column: &Column) -> bool {
    column.is_text && !column.is_array
}

fn value(column: &Column) -> String {
    let sql = &column.sql;
    if column.is_common() { format!("t.{sql}") } else { format!("t.{sql}::text") }
}

/// A document is not sent twice: only whether it is JSON's null, which is a value. One that is kept
/// as it was written may have spaces around it.
fn text(column: &Column) -> String {
    let sql = &column.sql;
    if column.kind == "jsonb" {
        return format!("case when t.{sql}::text = 'null' then 'null' end");
    }
    format!("t.{sql}::text")
}

fn cells(
    table: &Table,
    values: &str,
    texts: &str,
) -> Result<IndexMap<String, Cell>, serde_json::Error> {
    let values: IndexMap<String, &RawValue> = serde_json::from_str(values)?;
    let mut texts: BTreeMap<String, Option<String>> = serde_json::from_str(texts)?;
    let cell = |(name, raw): (String, &RawValue)| {
        let column = table.column(&name);
        let is_json = column.is_some_and(Column::is_json);
        let mut text = texts.remove(&name).flatten();
        if is_json && text.is_none() && raw.get() != "null" {
            text = Some(raw.get().to_owned());
        }
        // A number may be beyond those that can be calculated with here: its text is what counts.
        let mut value: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        if let Some(moment) =
            column.filter(|it| it.kind.ends_with("with time zone")).and(value.as_str())
        {
            value = utc(moment).into();
        }
        if text.is_none()
            && let Some(own) = value.as_str()
        {
            text = Some(own.to_owned());
        }
        (name, Cell { value, text, is_json })
    };
    Ok(values.into_iter().map(cell).collect())
}

/// RFC 3339 as people write it.
fn utc(moment: &str) -> String {
    moment.strip_suffix("+00:00").map_or_else(|| moment.to_owned(), |local| format!("{local}Z"))
}
