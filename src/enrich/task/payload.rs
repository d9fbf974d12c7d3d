//! What a task's payload may say, checked when the task is added and again when it is claimed: rows
//! of the queue come from anywhere.

use serde_json::Value;
use uuid::Uuid;

use super::Scope;
use super::{TaskType, is_embedding};
use crate::error::nearest;

struct Key {
    name: &'static str,
    /// What its value is, for people.
    what: &'static str,
    fits: fn(&Value) -> bool,
}

const JOB: Key = Key { name: "job", what: "a text", fits: Value::is_string };
const ID: Key = Key { name: "id", what: "a text or a whole number", fits: is_id };
const OVERWRITE: Key = Key { name: "overwrite", what: "true or false", fits: Value::is_boolean };
/// What the task was queued for, so that it is not queued for the same again.
const HASH: Key = Key { name: "hash", what: "a text", fits: Value::is_string };
const NAMES: Key = Key { name: "names", what: "an array of texts", fits: are_texts };
const RUN: Key = Key { name: "run", what: "a run's id", fits: is_uuid };

fn keys(kind: &dyn TaskType) -> &'static [Key] {
    match kind.scope() {
        Scope::Row if is_embedding(kind.name()) => &[JOB, ID, HASH],
        Scope::Row => &[JOB, ID, OVERWRITE, HASH],
        Scope::Names => &[JOB, NAMES],
        Scope::Run => &[JOB, RUN],
    }
}

/// Says what is wrong with a payload.
pub fn check(kind: &dyn TaskType, payload: &Value) -> Result<(), String> {
    let Value::Object(fields) = payload else {
        return Err("the payload is no JSON object".to_owned());
    };
    let keys = keys(kind);
    for (name, value) in fields {
        let Some(key) = keys.iter().find(|key| key.name == name) else {
            let known: Vec<_> = keys.iter().map(|key| key.name).collect();
            let near = nearest(name, known.iter().copied());
            let near = near.map_or_else(String::new, |near| format!(": did you mean \"{near}\"?"));
            return Err(format!(
                "the payload's key \"{name}\" means nothing to {}{near}; known are {}",
                kind.name(),
                known.join(", ")
            ));
        };
        if !(key.fits)(value) {
            return Err(format!("the payload's \"{name}\" is not {}", key.what));
        }
    }
    Ok(())
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|id| !id.trim().is_empty()) || value.is_i64() || value.is_u64()
}

fn are_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn is_uuid(value: &Value) -> bool {
    value.as_str().is_some_and(|id| Uuid::try_parse(id).is_ok())
}
