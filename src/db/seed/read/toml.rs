//! Rows written as TOML.

use std::ops::Range;

use serde_json::{Map, Number, Value};
use serde_spanned::Spanned;
use toml::de::{DeFloat, DeInteger, DeTable, DeValue};

use super::text::Text;
use super::{Field, Parsed};
use crate::error::{Error, Result};

/// A piece of a file that is one row.
pub(super) fn row(text: &Text, range: Range<usize>) -> Result<Parsed> {
    let start = range.start;
    let table = parse(text, range)?;
    let fields = fields(text, start, &table)?;
    let line = fields.iter().map(|field| field.line).min().unwrap_or_else(|| text.line(start));
    Ok(Parsed { line, fields })
}

/// A file that is a list of rows: `[[table]]`, once for each.
pub(super) fn list(text: &Text, name: &str) -> Result<Vec<Parsed>> {
    let mut rows = Vec::new();
    for (key, value) in parse(text, text.whole())? {
        let at = key.span().start;
        let DeValue::Array(items) = value.get_ref() else {
            return Err(not_a_list(text, at, name));
        };
        if key.get_ref().as_ref() != name {
            return Err(not_a_list(text, at, name));
        }
        for item in items {
            let at = item.span().start;
            let DeValue::Table(table) = item.get_ref() else {
                return Err(not_a_list(text, at, name));
            };
            rows.push(Parsed { line: text.line(at), fields: fields(text, 0, table)? });
        }
    }
    Ok(rows)
}

fn not_a_list(text: &Text, at: usize, name: &str) -> Error {
    text.error(at, format!("only rows of {name} belong here"))
        .help(format!("begin every row with a line [[{name}]]"))
}

fn parse(text: &Text, range: Range<usize>) -> Result<DeTable<'_>> {
    let start = range.start;
    let table = DeTable::parse(&text.as_str()[range]).map_err(|error| {
        let at = start + error.span().map_or(0, |span| span.start);
        let message = error.message().trim_end().to_owned();
        text.syntax(at, "not valid TOML").because(Error::content(message))
    })?;
    Ok(table.into_inner())
}

/// The fields of a table; `start` is where the parsed piece begins in the file.
fn fields(text: &Text, start: usize, table: &DeTable<'_>) -> Result<Vec<Field>> {
    table
        .iter()
        .map(|(key, value)| {
            Ok(Field {
                name: key.get_ref().to_string(),
                value: to_json(text, start, value)?,
                line: text.line(start + key.span().start),
            })
        })
        .collect()
}

fn to_json(text: &Text, start: usize, value: &Spanned<DeValue<'_>>) -> Result<Value> {
    let at = start + value.span().start;
    Ok(match value.get_ref() {
        DeValue::String(string) => Value::String(string.to_string()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(moment) => Value::String(moment.to_string()),
        DeValue::Integer(number) => integer(number)
            .map(Value::Number)
            .ok_or_else(|| text.error(at, format!("the number {number} is too large")))?,
        DeValue::Float(number) => float(number)
            .map(Value::Number)
            .ok_or_else(|| text.error(at, format!("{number} is not a number a row can hold")))?,
        DeValue::Array(items) => Value::Array(
            items.iter().map(|item| to_json(text, start, item)).collect::<Result<_>>()?,
        ),
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| Ok((key.get_ref().to_string(), to_json(text, start, value)?)));
            Value::Object(entries.collect::<Result<Map<_, _>>>()?)
        }
    })
}

fn integer(number: &DeInteger<'_>) -> Option<Number> {
    let (digits, radix) = (number.as_str(), number.radix());
    let signed = i64::from_str_radix(digits, radix).map(Number::from);
    signed.or_else(|_| u64::from_str_radix(digits, radix).map(Number::from)).ok()
}

fn float(number: &DeFloat<'_>) -> Option<Number> {
    number.as_str().parse().ok().and_then(Number::from_f64)
}
