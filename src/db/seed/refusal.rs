//! What Postgres refuses, told as the file and line at fault and what to write instead.

use serde_json::{Map, Value};
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::catalog::{Column, Constraint, Table};
use super::read::Row;
use super::statement;
use crate::error::{Error, Result};

/// An error that no row is to blame for.
pub(super) fn failed(doing: &str, error: sqlx::Error) -> Error {
    let help = answer(&error).and_then(|answer| match answer.code() {
        "42501" => Some("connect as the table's owner or another role that may write it"),
        "42P01" => Some("run `frieze db migrate`"),
        "40001" | "40P01" | "55P03" => Some("somebody else was writing: run it again"),
        "25006" => Some("connect to a server that takes writes"),
        _ => None,
    });
    let failed = Error::database(format!("{doing} failed")).because(error);
    match help {
        Some(help) => failed.help(help),
        None => failed,
    }
}

fn answer(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// Whether the error comes from a row's values rather than from the server or the schema.
pub(super) fn is_about_a_row(error: &sqlx::Error) -> bool {
    let code = answer(error).map_or("", |answer| answer.code());
    ["22", "23", "44", "P0"].iter().any(|class| code.starts_with(class))
}

/// The refusal of one row.
pub(super) async fn explain(
    conn: &mut PgConnection,
    table: &Table,
    row: &Row,
    error: sqlx::Error,
) -> Result<Error> {
    let Some(answer) = answer(&error) else { return Ok(failed("seeding", error)) };
    let explained = match answer.code() {
        "23502" => missing(table, row, answer),
        code if code.starts_with("23") => broken(table, row, answer),
        code if code.starts_with("22") => {
            let found = probe(conn, table, row).await?;
            found.map(|(name, cause)| unreadable(table, row, &name).because(cause))
        }
        _ => None,
    };
    Ok(explained.unwrap_or_else(|| {
        Error::content(format!("{}: {} refuses the row", row.place(), table.name))
            .because(cause(answer))
            .help("change the row so that the database takes it")
    }))
}

fn cause(answer: &PgDatabaseError) -> Error {
    let detail = answer.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    Error::content(format!("{}{detail}", answer.message()))
}

fn missing(table: &Table, row: &Row, answer: &PgDatabaseError) -> Option<Error> {
    let column = answer.column()?;
    let null = if row.fields.contains_key(column) { "null for" } else { "no" };
    let place = row.place_of(column);
    Some(
        Error::content(format!("{place}: {null} {column}, which {} requires", table.name))
            .help(format!("give the row a {column}")),
    )
}

/// A check, a foreign key or a unique key that the row breaks.
fn broken(table: &Table, row: &Row, answer: &PgDatabaseError) -> Option<Error> {
    let name = answer.constraint()?;
    let constraint = table.constraints.iter().find(|constraint| constraint.name == name)?;
    let given = constraint.columns.iter().filter(|column| row.fields.contains_key(*column));
    let given: Vec<&str> = given.map(String::as_str).collect();
    let place = given.first().map_or_else(|| row.place(), |column| row.place_of(column));
    let values = given.iter().map(|column| format!("{column} = {}", excerpt(&row.fields[*column])));
    let values = values.collect::<Vec<_>>().join(", ");
    let (what, help) = match answer.code() {
        "23505" => {
            ("is already another row's", "give the row another value, or its own id".to_owned())
        }
        "23503" => {
            ("points to a row that is not there", "name a row that exists, or add it".to_owned())
        }
        _ => ("is not allowed", rule(constraint)),
    };
    let subject = if values.is_empty() { "the row".to_owned() } else { values };
    Some(
        Error::content(format!("{place}: {subject} {what} in {}", table.name))
            .because(cause(answer))
            .help(help),
    )
}

fn rule(constraint: &Constraint) -> String {
    format!("the rule {} is: {}", constraint.name, constraint.definition)
}

/// The first field whose value its column cannot take, and why.
async fn probe(
    conn: &mut PgConnection,
    table: &Table,
    row: &Row,
) -> Result<Option<(String, Error)>> {
    let sql = statement::probe(table);
    for (name, value) in &row.fields {
        let field = Map::from_iter([(name.clone(), value.clone())]);
        let mut savepoint = conn.begin().await.map_err(|error| failed("seeding", error))?;
        let query = sqlx::query(AssertSqlSafe(sql.as_str())).bind(Value::Object(field).to_string());
        let refused = query.fetch_one(&mut *savepoint).await.err();
        savepoint.rollback().await.map_err(|error| failed("seeding", error))?;
        if let Some(refused) = refused {
            let cause = answer(&refused).map(cause).unwrap_or_else(|| failed("seeding", refused));
            return Ok(Some((name.clone(), cause)));
        }
    }
    Ok(None)
}

fn unreadable(table: &Table, row: &Row, name: &str) -> Error {
    let value = row.fields.get(name).map(excerpt).unwrap_or_default();
    let (kind, help) = table
        .column(name)
        .map_or_else(Default::default, |column| (column.kind.clone(), example(column)));
    Error::content(format!("{}: {name} = {value} is not of the type {kind}", row.place_of(name)))
        .help(help)
}

/// How a value of a column is written.
fn example(column: &Column) -> String {
    let Column { name, kind, labels, .. } = column;
    if let Some(labels) = labels {
        return format!("{name} is one of: {}", labels.join(", "));
    }
    if column.is_array {
        return format!("write an array, as in {name} = [\"one\", \"two\"]");
    }
    let example = match kind.split(['(', ' ']).next().unwrap_or_default() {
        "date" => "\"2024-03-01\"",
        "timestamp" => "\"2024-03-01T09:30:00Z\"",
        "time" => "\"09:30:00\"",
        "interval" => "\"1 day 2 hours\"",
        "smallint" | "integer" | "bigint" => "42",
        "numeric" | "real" | "double" => "4.2",
        "boolean" => "true",
        "uuid" => "\"6f1c2a3e-8c1d-4b6a-9a57-0d2f4c9b1e77\"",
        "character" => return format!("{name} holds at most as many characters as {kind} says"),
        _ => return format!("write a value that Postgres takes as {kind}"),
    };
    format!("write it as in {name} = {example}")
}

/// A value short enough for a message.
fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
