//! Values in messages: how one is written, and how a long one is shown.

use serde_json::Value;

use super::catalog::Column;

/// How a value of a column is written.
pub(super) fn of(column: &Column) -> String {
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
pub(super) fn excerpt(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
