//! What can be told wrong with a row before it is sent.

use serde_json::Value;

use super::catalog::{Column, Table};
use super::read::Row;
use crate::error::{Error, Result, nearest};

/// Every field must be a column that files may set, with a value of the right shape.
pub(in crate::db) fn check(table: &Table, rows: &[Row]) -> Result<()> {
    for row in rows {
        for (name, value) in &row.fields {
            let column = table.column(name).ok_or_else(|| unknown(table, row, name))?;
            if column.is_generated {
                return Err(Error::content(format!(
                    "{}: {name} is computed by the database",
                    row.place_of(name)
                ))
                .help(format!("remove {name}")));
            }
            shape(column, value).map_err(|error| error(row.place_of(name)))?;
        }
    }
    Ok(())
}

fn unknown(table: &Table, row: &Row, name: &str) -> Error {
    let message = format!("{}: {} has no column {name}", row.place_of(name), table.name);
    let names = || table.columns.iter().map(|column| column.name.as_str());
    let help = match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("the columns are {}", names().collect::<Vec<_>>().join(", ")),
    };
    Error::content(message).help(help)
}

/// Postgres would store an object in a text column as its JSON, silently.
fn shape<'a>(
    column: &'a Column,
    value: &'a Value,
) -> Result<(), impl FnOnce(String) -> Error + use<'a>> {
    if fits(column, value) {
        return Ok(());
    }
    let (expected, example) = if column.is_array {
        ("an array of texts", "[\"one\", \"two\"]")
    } else {
        ("text", "\"…\"")
    };
    Err(move |place: String| {
        Error::content(format!("{place}: {} must be {expected}", column.name))
            .help(format!("write {} = {example}", column.name))
    })
}

fn fits(column: &Column, value: &Value) -> bool {
    let scalar = |value: &Value| !value.is_array() && !value.is_object();
    match value {
        _ if !column.is_text => true,
        Value::Array(items) if column.is_array => items.iter().all(|item| fits(column, item)),
        value => scalar(value),
    }
}
