//! Texts of files: what stays is left as it was written, what changes is put in its place.

mod json;
mod markdown;
mod toml;
mod value;

use serde_json::Value;

use super::stored::Cell;
use crate::db::seed::read::escape;
use crate::db::seed::read::place::{Format, Place};
use crate::error::{Error, Result};

/// A file and what shall become of each of its rows, in their order; new ones come last.
pub(super) struct Rewrite<'r> {
    pub place: &'r Place,
    /// The column that the text of a Markdown file goes to.
    pub body: Option<&'r str>,
    pub lines: Vec<Line>,
}

pub(super) enum Line {
    Keep,
    Remove,
    Change(Vec<Field>),
    New(Vec<Field>),
}

pub(super) struct Field {
    pub name: String,
    /// None if the file shall not name the column.
    pub value: Option<Value>,
    /// Whether it may stand as text below the front matter.
    pub is_body: bool,
}

/// The file's new text; none if no row is left.
pub(super) fn rewrite(rewrite: Rewrite<'_>, original: Option<&str>) -> Result<Option<String>> {
    let Rewrite { place, body, lines } = rewrite;
    if lines.iter().all(|line| matches!(line, Line::Remove)) {
        return Ok(None);
    }
    let manner = Manner::of(original.unwrap_or_default());
    let plain = original.map(plain);
    let text = match (place.format, &place.stem) {
        (Format::Markdown, _) => markdown::row(plain.as_deref(), single(lines), body),
        (Format::Toml, Some(_)) => toml::row(plain.as_deref().unwrap_or_default(), single(lines)),
        (Format::Toml, None) => {
            toml::list(plain.as_deref().unwrap_or_default(), &place.table, lines)
        }
        (Format::Json, Some(_)) => json::row(plain.as_deref(), single(lines)),
        (Format::Json, None) => json::list(plain.as_deref(), lines),
    };
    let text = text.map_err(|error| error.context(format!("{} cannot be changed", place.name)))?;
    Ok(Some(manner.restore(text)))
}

/// The fields to change in a file of one row.
fn single(lines: Vec<Line>) -> Vec<Field> {
    lines.into_iter().next().map(fields).unwrap_or_default()
}

fn fields(line: Line) -> Vec<Field> {
    match line {
        Line::Change(fields) | Line::New(fields) => fields,
        Line::Keep | Line::Remove => Vec::new(),
    }
}

/// How a file's lines end, and whether it begins with a byte order mark.
struct Manner {
    has_mark: bool,
    has_returns: bool,
}

impl Manner {
    fn of(text: &str) -> Self {
        Self { has_mark: text.starts_with('\u{feff}'), has_returns: text.contains("\r\n") }
    }

    fn restore(&self, text: String) -> String {
        let text = if self.has_returns { text.replace('\n', "\r\n") } else { text };
        if self.has_mark { format!("\u{feff}{text}") } else { text }
    }
}

/// The text as rows are read from it.
fn plain(text: &str) -> String {
    text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")
}

/// A value as files write it by custom, if it can be written so.
pub(super) fn custom(cell: &Cell, is_toml: bool) -> Value {
    let is_object_like_an_escape = cell.value.as_object().is_some_and(|object| {
        object.len() == 1
            && (object.contains_key(escape::JSON) || object.contains_key(escape::NULL))
    });
    let is_lost = cell.value.is_null() || (is_toml && !value::fits_toml(&cell.value));
    if is_lost || is_object_like_an_escape { safe(cell, is_toml) } else { cell.value.clone() }
}

/// A value in the form that survives everything.
pub(super) fn safe(cell: &Cell, is_toml: bool) -> Value {
    let escaped =
        |name: &str, value: Value| Value::Object([(name.to_owned(), value)].into_iter().collect());
    match &cell.text {
        None if is_toml => escaped(escape::NULL, true.into()),
        None => Value::Null,
        Some(json) if cell.is_json => escaped(escape::JSON, json.as_str().into()),
        Some(text) => text.as_str().into(),
    }
}

fn broken(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::content("its text is not what was read").because(error)
}

#[cfg(test)]
mod tests;
