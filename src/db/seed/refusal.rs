//! What Postgres refuses, told as the file and line at fault and what to write instead.

use serde_json::{Map, Value};
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::catalog::{Constraint, Table};
use super::read::Row;
use super::{example, statement};
use crate::db::explain_owner as explain_error;
use crate::error::{Error, Result};

/// An error that no row is to blame for.
pub(in crate::db) fn failed(doing: &str, error: sqlx::Error) -> Error {
    let code = answer(&error).map(|answer| answer.code().to_owned());
    let failed = explain_error(error, doing);
    match code.as_deref() {
        Some("42501") => {
            failed.help("connect as the table's owner or another role that may write it")
        }
        Some("42P01" | "42703") => failed.help("run `frieze db migrate`"),
        Some("40001" | "40P01") => failed.help("somebody else was writing: run it again"),
        _ => failed,
    }
}

fn answer(error: &sqlx::Error) -> Option<&PgDatabaseError> {
    error.as_database_error()?.try_downcast_ref()
}

/// The error as a cause, if it is a foreign key's.
pub(in crate::db) fn foreign_key(error: &sqlx::Error) -> Option<Error> {
    answer(error).filter(|answer| answer.code() == "23503").map(cause)
}

/// Whether the error comes from a row's values rather than from the server or the schema.
pub(in crate::db) fn is_about_a_row(error: &sqlx::Error) -> bool {
    let code = answer(error).map_or("", |answer| answer.code());
    ["22", "23", "44", "P0"].iter().any(|class| code.starts_with(class))
}

/// The refusal of one row.
pub(in crate::db) async fn explain(
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
    let is_given = |column: &&String| row.fields.contains_key(*column);
    let (given, absent): (Vec<_>, Vec<_>) = constraint.columns.iter().partition(is_given);
    let place = given.first().map_or_else(|| row.place(), |column| row.place_of(column));
    let value =
        |column: &&String| format!("{column} = {}", example::excerpt(&row.fields[column.as_str()]));
    let values = given.iter().map(value).collect::<Vec<_>>().join(", ");
    let subject = if values.is_empty() { "the row" } else { &values };
    let (message, help) = match answer.code() {
        "23505" => (format!("{subject} is already in another row of {}", table.name), own(&absent)),
        "23503" => (
            format!("{subject} refers to a row that does not exist"),
            "name a row that exists, or add it".to_owned(),
        ),
        _ => (format!("{subject} is not allowed in {}", table.name), rule(constraint)),
    };
    Some(Error::content(format!("{place}: {message}")).because(cause(answer)).help(help))
}

/// How a row gets a unique key of its own.
fn own(absent: &[&String]) -> String {
    if absent.is_empty() {
        return "give the row another value; if it is that row, give it that row's id".to_owned();
    }
    let absent: Vec<&str> = absent.iter().map(|column| column.as_str()).collect();
    format!("write the row's {} too, which tells it from the other", absent.join(" and "))
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
        let query = sqlx::query(AssertSqlSafe(sql.as_str()))
            .persistent(false)
            .bind(Value::Object(field).to_string());
        let refused = query.fetch_one(&mut *savepoint).await.err();
        savepoint.rollback().await.map_err(|error| failed("seeding", error))?;
        if let Some(refused) = refused {
            return Ok(answer(&refused).map(|answer| (name.clone(), cause(answer))));
        }
    }
    Ok(None)
}

fn unreadable(table: &Table, row: &Row, name: &str) -> Error {
    let value = row.fields.get(name).map(example::excerpt).unwrap_or_default();
    let (kind, help) = table
        .column(name)
        .map_or_else(Default::default, |column| (column.kind.clone(), example::of(column)));
    Error::content(format!("{}: {name} = {value} is not of the type {kind}", row.place_of(name)))
        .help(help)
}
