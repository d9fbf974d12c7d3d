//! Values as TOML writes them.

use serde_json::{Map, Value};
use toml_edit::Datetime;

/// The longest list or object that is kept on one line.
const WIDTH: usize = 100;

/// Whether TOML has words for a value: it has no null, and its numbers are of 64 bits.
pub(super) fn fits_toml(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Number(number) => number.is_i64() || number.is_f64(),
        Value::Array(items) => items.iter().all(fits_toml),
        Value::Object(object) => object.values().all(fits_toml),
        Value::Bool(_) | Value::String(_) => true,
    }
}

/// A value after `key =`.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::String(text) if is_long(text) => several_lines(text),
        Value::Array(items) => {
            let line = inline(value);
            if line.len() <= WIDTH { line } else { list(items) }
        }
        value => inline(value),
    }
}

/// The same as a moment without quotes, if it can be one.
pub(super) fn moment(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let moment: Datetime = text.parse().ok()?;
    (moment.to_string() == text).then(|| text.to_owned())
}

fn list(items: &[Value]) -> String {
    let lines = items.iter().map(|item| format!("  {},\n", inline(item)));
    format!("[\n{}]", lines.collect::<String>())
}

fn inline(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) => table(object),
        value => value.to_string(),
    }
}

fn table(object: &Map<String, Value>) -> String {
    if object.is_empty() {
        return "{}".to_owned();
    }
    let pairs = object.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value)));
    format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
}

fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { string(name) }
}

/// A string on one line.
fn string(text: &str) -> String {
    // TOML knows JSON's escapes; it also wants one for the character DEL.
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// Whether a text is easier to read over several lines. Not if one of them could be taken for the
/// end of a front matter, or ends in spaces, which editors like to remove.
fn is_long(text: &str) -> bool {
    let is_odd = |line: &str| line.trim_end() == "+++" || line.ends_with([' ', '\t']);
    text.trim_matches('\n').contains('\n') && !text.split('\n').any(is_odd)
}

fn several_lines(text: &str) -> String {
    let mut lines = String::from("\"\"\"\n");
    for c in text.chars() {
        match c {
            '\n' | '\t' => lines.push(c),
            '\\' => lines.push_str("\\\\"),
            '"' if lines.ends_with("\"\"") => lines.push_str("\\\""),
            c if c.is_ascii_control() => lines.push_str(string(&c.to_string()).trim_matches('"')),
            c => lines.push(c),
        }
    }
    // A quote at the very end would run into the closing ones.
    if text.ends_with('"') && !lines.ends_with("\\\"") {
        lines.pop();
        lines.push_str("\\\"");
    }
    lines.push_str("\"\"\"");
    lines
}
