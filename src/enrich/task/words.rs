//! How much a row says: words, since too few of them would have a model invent the rest.

use serde_json::Value;

/// The words of a column that tell something: links, paths and numbers are none.
pub fn words(column: &str, value: &Value) -> usize {
    match value {
        Value::String(text) => {
            let text = text.trim();
            // One word with a slash or a full stop in it is a link, a path or a file.
            let is_name = !text.contains(char::is_whitespace) && text.contains(['/', '.', '@']);
            if column == "slug" || is_name { 0 } else { counted(text) }
        }
        Value::Array(items) => items.iter().map(|item| words(column, item)).sum(),
        Value::Object(fields) => fields.values().map(|item| words(column, item)).sum(),
        _ => 0,
    }
}

fn counted(text: &str) -> usize {
    let words = text.split_whitespace();
    words.filter(|word| word.chars().any(char::is_alphabetic)).map(script).sum()
}

/// Some scripts put no space between words.
fn script(word: &str) -> usize {
    let dense =
        word.chars().filter(|c| matches!(*c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{9fff}'));
    dense.count().div_ceil(2).max(1)
}
