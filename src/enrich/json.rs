//! JSON as Postgres takes it: its texts hold any character but NUL, which models do write.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// A value as a parameter of the type `jsonb`.
pub fn parameter(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    if !text.contains("\\u0000") {
        return text;
    }
    let parsed = serde_json::from_str(&text).unwrap_or_default();
    cleaned(parsed).to_string()
}

/// A text without NUL characters.
pub fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

fn cleaned(value: Value) -> Value {
    match value {
        Value::String(string) => Value::String(text(&string).into_owned()),
        Value::Array(items) => items.into_iter().map(cleaned).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(name, value)| (text(&name).into_owned(), cleaned(value)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nul_is_left_out_and_what_only_looks_like_it_stays() {
        let value = json!({"a\0": ["b\0c", {"d": "\0"}], "e": "\\u0000", "f": 1});
        let sent: Value = serde_json::from_str(&parameter(&value)).unwrap();
        assert_eq!(sent, json!({"a": ["bc", {"d": ""}], "e": "\\u0000", "f": 1}));
        assert_eq!(parameter(&json!(["x"])), r#"["x"]"#);
    }
}
