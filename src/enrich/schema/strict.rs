//! Schemas as strict servers want them: every field required, no other one allowed.

use serde_json::{Map, Value, json};

use super::{DEEPEST, kinds};

/// Limits that strict servers do not know, and how they are said in words instead.
const LIMITS: [(&str, &str); 4] = [
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
];

/// The same schema for a strict server: a field that may be left out may be null instead, and how
/// long things are stands in their description.
pub fn strict(schema: &Value) -> Value {
    rewritten(schema, 0)
}

fn rewritten(schema: &Value, depth: usize) -> Value {
    let Value::Object(parts) = schema else { return schema.clone() };
    if depth > DEEPEST {
        return schema.clone();
    }
    let mut parts = parts.clone();
    describe_limits(&mut parts);
    if let Some(items) = parts.get_mut("items") {
        *items = rewritten(items, depth + 1);
    }
    if let Some(Value::Object(properties)) = parts.get("properties") {
        let required = &schema["required"];
        let all: Map<String, Value> = properties
            .iter()
            .map(|(name, inner)| {
                let inner = rewritten(inner, depth + 1);
                let needed = requires(required, name);
                (name.clone(), if needed { inner } else { or_null(inner) })
            })
            .collect();
        let names = all.keys().cloned().collect();
        parts.insert("properties".to_owned(), Value::Object(all));
        parts.insert("required".to_owned(), names);
        parts.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(parts)
}

fn describe_limits(parts: &mut Map<String, Value>) {
    let mut words: Vec<String> = Vec::new();
    if let Some(Value::String(description)) = parts.get("description") {
        words.push(description.clone());
    }
    for (key, limit) in LIMITS {
        if let Some(number) = parts.shift_remove(key) {
            words.push(limit.replace("{}", &number.to_string()));
        }
    }
    if !words.is_empty() {
        parts.insert("description".to_owned(), json!(words.join("; ")));
    }
}

fn requires(required: &Value, name: &str) -> bool {
    required.as_array().is_some_and(|names| names.iter().any(|it| it == name))
}

fn or_null(mut schema: Value) -> Value {
    let Some(mut kinds) = kinds(&schema).map(|kinds| json!(kinds)) else { return schema };
    if let Some(list) = kinds.as_array_mut().filter(|list| !list.contains(&json!("null"))) {
        list.push(json!("null"));
    }
    if let Some(allowed) = schema.get_mut("enum").and_then(Value::as_array_mut)
        && !allowed.contains(&Value::Null)
    {
        allowed.push(Value::Null);
    }
    schema["type"] = kinds;
    schema
}

/// An answer to the strict schema as one to the schema itself: fields that are null because they
/// could not be left out, are left out.
pub fn without_nulls(schema: &Value, value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let (properties, required) = (&schema["properties"], &schema["required"]);
            let kept = fields.into_iter().filter_map(|(name, value)| {
                let inner = &properties[&name];
                let nullable = kinds(inner).is_none_or(|kinds| kinds.contains(&"null"));
                let left_out = value.is_null() && !nullable && !requires(required, &name);
                (!left_out).then(|| (name, without_nulls(inner, value)))
            });
            Value::Object(kept.collect())
        }
        Value::Array(items) => {
            items.into_iter().map(|item| without_nulls(&schema["items"], item)).collect()
        }
        other => other,
    }
}
