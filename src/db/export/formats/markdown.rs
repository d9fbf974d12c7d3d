//! Markdown files: the front matter is changed as TOML, the text below it as a whole.

use serde_json::Value;

use super::{Field, toml};
use crate::db::seed::read::markdown::parts;
use crate::db::seed::read::text::Text;
use crate::error::Result;

const EMPTY: &str = "+++\n+++\n";

pub(super) fn row(
    original: Option<&str>,
    mut fields: Vec<Field>,
    body: Option<&str>,
) -> Result<String> {
    let text = Text::new(String::new(), original.unwrap_or(EMPTY).to_owned());
    let (front, old) = parts(&text)?;
    let text = text.as_str();
    let mut new = None;
    if let Some(field) = fields.iter_mut().find(|field| Some(field.name.as_str()) == body) {
        // Either below the front matter or in it, never both.
        let below = field.value.take_if(|value| field.is_body && can_stand(value));
        new = Some(below.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned());
    }
    let front_text = toml::row(&text[front.clone()], fields)?;
    let between = &text[front.end..old.start];
    let (between, below, after) = match &new {
        None => (between.to_owned(), &text[old.clone()], &text[old.end..]),
        Some(new) if new.is_empty() => ("+++\n".to_owned(), "", ""),
        Some(new) if old.is_empty() => (format!("{}\n\n", fence(between)), new.as_str(), "\n"),
        Some(new) => (between.to_owned(), new.as_str(), &text[old.end..]),
    };
    Ok(format!("{}{front_text}{between}{below}{after}", &text[..front.start]))
}

/// The closing line as it is written.
fn fence(between: &str) -> &str {
    between.lines().next().unwrap_or("+++")
}

/// Whether a value can be a text that is not empty.
fn can_stand(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty() && !text.contains('\r'))
}
