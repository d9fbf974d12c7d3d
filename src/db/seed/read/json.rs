//! Rows written as JSON.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::Text;
use super::{Field, Parsed};
use crate::error::{Error, Result};

/// A file that is one object.
pub(super) fn row(text: &Text) -> Result<Parsed> {
    let whole = parse::<&RawValue>(text, text.as_str(), 0)?;
    object(text, whole)
}

/// A file that is an array of objects.
pub(super) fn list(text: &Text) -> Result<Vec<Parsed>> {
    let whole = parse::<&RawValue>(text, text.as_str(), 0)?;
    if !whole.get().starts_with('[') {
        let at = text.offset_of(whole.get());
        return Err(text.error(at, "expected an array of rows").help(
            "write [ {…}, {…} ]; a file with one row belongs in a folder with the table's name",
        ));
    }
    let rows = parse::<Vec<&RawValue>>(text, whole.get(), text.offset_of(whole.get()))?;
    rows.into_iter().map(|row| object(text, row)).collect()
}

fn object(text: &Text, raw: &RawValue) -> Result<Parsed> {
    let at = text.offset_of(raw.get());
    if !raw.get().starts_with('{') {
        return Err(text.error(at, "a row must be an object").help("write {\"column\": value, …}"));
    }
    let Entries(entries) = parse(text, raw.get(), at)?;
    let mut fields: Vec<Field> = Vec::with_capacity(entries.len());
    for (name, raw) in entries {
        let at = text.offset_of(raw.get());
        if fields.iter().any(|field| field.name == name) {
            return Err(text
                .error(at, format!("{name} is given twice"))
                .help("keep one of the two"));
        }
        fields.push(Field { name, value: parse(text, raw.get(), at)?, line: text.line(at) });
    }
    Ok(Parsed { line: text.line(at), fields })
}

/// Parses a piece that begins at `start` of the file.
fn parse<'a, T: Deserialize<'a>>(text: &Text, piece: &'a str, start: usize) -> Result<T> {
    serde_json::from_str(piece).map_err(|error| {
        let before: usize =
            piece.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let at = (start + before + error.column().saturating_sub(1)).min(text.whole().end);
        // The library's own place counts from the piece's beginning, not the file's.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        text.syntax(at, "not valid JSON").because(Error::content(message))
    })
}

/// An object's entries in order, each value as it is written.
pub(in crate::db) struct Entries<'a>(pub Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}
