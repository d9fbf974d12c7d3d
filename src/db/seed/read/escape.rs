//! Values that a format has no words for: `{ "$json" = "…" }` is the JSON in the text, exactly as it
//! stands there, and `{ "$null" = true }` is null, which TOML lacks.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Field;
use super::text::Text;
use crate::error::{Error, Result};

pub(in crate::db) const JSON: &str = "$json";
pub(in crate::db) const NULL: &str = "$null";

/// What a value stands for, if it is no plain value.
pub(in crate::db) enum Escape<'a> {
    Json(&'a str),
    Null,
}

/// The escape that a value is, if it is one.
pub(in crate::db) fn of(value: &Value) -> Option<Escape<'_>> {
    let object: &Map<String, Value> = value.as_object().filter(|object| object.len() == 1)?;
    match (object.get(JSON), object.get(NULL)) {
        (Some(Value::String(json)), _) => Some(Escape::Json(json)),
        (_, Some(Value::Bool(true))) => Some(Escape::Null),
        _ => None,
    }
}

/// Puts what they stand for in place of escapes; the JSON that was written out, by field.
pub(super) fn resolve(text: &Text, fields: &mut [Field]) -> Result<BTreeMap<String, String>> {
    let mut exact = BTreeMap::new();
    for field in fields {
        let value = match of(&field.value) {
            None => continue,
            Some(Escape::Null) => Value::Null,
            Some(Escape::Json(json)) => {
                serde_json::from_str::<&RawValue>(json).map_err(|error| {
                    let message = format!("{}: the text of {JSON} is not valid JSON", field.name);
                    text.error_on(field.line, message).because(Error::content(error.to_string()))
                })?;
                exact.insert(field.name.clone(), json.to_owned());
                // Postgres takes numbers that are too large to calculate with here.
                serde_json::from_str(json).unwrap_or_else(|_| json.into())
            }
        };
        field.value = value;
    }
    Ok(exact)
}
