//! The part of JSON Schema that questions use: whether an answer fits, and what strict servers and
//! models without schemas are given.

mod strict;

use serde_json::{Map, Value};

pub use strict::{strict, without_nulls};

/// Deeper answers are none that a question asks for.
const DEEPEST: usize = 32;

/// Whether the value is what the schema allows; if not, where and why.
pub fn check(schema: &Value, value: &Value) -> Result<(), String> {
    at("the answer", schema, value, 0)
}

fn at(path: &str, schema: &Value, value: &Value, depth: usize) -> Result<(), String> {
    if depth > DEEPEST {
        return Err(format!("{path} is nested too deeply"));
    }
    if let Some(kinds) = kinds(schema)
        && !kinds.iter().any(|kind| is(kind, value))
    {
        let kinds = kinds.join(" or ");
        return Err(format!("{path} is {}, not {kinds}", name(value)));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        return Err(format!("{path} is none of {}", allowed.join(", ")));
    }
    match value {
        Value::Object(fields) => object(path, schema, fields, depth),
        Value::Array(items) => array(path, schema, items, depth),
        Value::String(text) => string(path, schema, text),
        Value::Number(number) => within(path, schema, number.as_f64().unwrap_or(f64::NAN)),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

fn object(
    path: &str,
    schema: &Value,
    fields: &Map<String, Value>,
    depth: usize,
) -> Result<(), String> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for name in required {
        if !fields.contains_key(name) {
            return Err(format!("{path} has no \"{name}\""));
        }
    }
    for (name, value) in fields {
        let inner = schema["properties"].get(name);
        match (inner, &schema["additionalProperties"]) {
            (Some(inner), _) => at(&inside(path, name), inner, value, depth + 1)?,
            (None, Value::Bool(false)) => {
                return Err(format!("{path} has \"{}\", which was not asked for", short(name)));
            }
            (None, Value::Object(_)) => {
                let inner = &schema["additionalProperties"];
                at(&inside(path, name), inner, value, depth + 1)?;
            }
            (None, _) => {}
        }
    }
    Ok(())
}

fn array(path: &str, schema: &Value, items: &[Value], depth: usize) -> Result<(), String> {
    sized(path, schema, items.len(), ["minItems", "maxItems"], "items")?;
    for (index, item) in items.iter().enumerate() {
        at(&format!("{path}[{index}]"), &schema["items"], item, depth + 1)?;
    }
    Ok(())
}

fn string(path: &str, schema: &Value, text: &str) -> Result<(), String> {
    sized(path, schema, text.chars().count(), ["minLength", "maxLength"], "characters")
}

fn sized(path: &str, schema: &Value, size: usize, keys: [&str; 2], of: &str) -> Result<(), String> {
    let bound =
        |key: &str| schema[key].as_u64().map(|it| usize::try_from(it).unwrap_or(usize::MAX));
    if let Some(least) = bound(keys[0]).filter(|least| size < *least) {
        return Err(format!("{path} has {size} {of}, fewer than {least}"));
    }
    if let Some(most) = bound(keys[1]).filter(|most| size > *most) {
        return Err(format!("{path} has {size} {of}, more than {most}"));
    }
    Ok(())
}

fn within(path: &str, schema: &Value, number: f64) -> Result<(), String> {
    if let Some(least) = schema["minimum"].as_f64().filter(|least| number < *least) {
        return Err(format!("{path} is {number}, less than {least}"));
    }
    if let Some(most) = schema["maximum"].as_f64().filter(|most| number > *most) {
        return Err(format!("{path} is {number}, more than {most}"));
    }
    Ok(())
}

/// The types that a schema names; none where it names none.
fn kinds(schema: &Value) -> Option<Vec<&str>> {
    match &schema["type"] {
        Value::String(kind) => Some(vec![kind]),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "number" => value.is_number(),
        kind => kind == name(value),
    }
}

fn name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn inside(path: &str, name: &str) -> String {
    format!("{path}.{}", short(name))
}

/// A model's own name for a field may be anything.
fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests;
