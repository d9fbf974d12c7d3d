//! JSON files: what stays is kept byte for byte, spaces and all.

use indexmap::IndexMap;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Field, Line, broken, fields};
use crate::db::seed::read::json::Entries;
use crate::error::Result;

/// A file that is one row.
pub(super) fn row(original: Option<&str>, fields: Vec<Field>) -> Result<String> {
    match original {
        Some(text) => object(text, fields, "\n  "),
        None => Ok(object("{\n}", fields, "\n  ")? + "\n"),
    }
}

/// A file that is an array of rows.
pub(super) fn list(original: Option<&str>, lines: Vec<Line>) -> Result<String> {
    let text = original.unwrap_or("[\n]\n");
    let Parts { head, pieces, tail } = array(text)?;
    let gap = pieces.get(1).or(pieces.first()).map_or("\n  ", Piece::gap);
    let (empty, inner) = if gap.contains('\n') {
        (format!("{{{gap}}}"), format!("{gap}  "))
    } else {
        ("{ }".to_owned(), " ".to_owned())
    };
    let mut old = pieces.iter();
    let mut new = Vec::new();
    for line in lines {
        match line {
            Line::Keep => new.extend(old.next().map(|piece| piece.with(piece.value))),
            Line::Remove => drop(old.next()),
            Line::Change(fields) => {
                if let Some(piece) = old.next() {
                    new.push(piece.with(&object(piece.value, fields, &inner)?));
                }
            }
            line @ Line::New(_) => {
                new.push(format!("{gap}{}", object(&empty, fields(line), &inner)?));
            }
        }
    }
    Ok(format!("{head}{}{tail}", new.join(",")))
}

/// A list's or object's text, cut at its commas.
struct Parts<'t> {
    /// Up to and with the opening bracket.
    head: &'t str,
    pieces: Vec<Piece<'t>>,
    tail: &'t str,
}

/// What stands between two commas.
#[derive(Clone, Copy)]
struct Piece<'t> {
    /// Up to the value: spaces, and in an object the key.
    before: &'t str,
    value: &'t str,
    after: &'t str,
}

impl Piece<'_> {
    fn with(&self, value: &str) -> String {
        format!("{}{value}{}", self.before, self.after)
    }

    /// The spaces it begins with.
    fn gap(&self) -> &str {
        &self.before[..self.before.len() - self.before.trim_start().len()]
    }
}

fn array(text: &str) -> Result<Parts<'_>> {
    let values: Vec<&RawValue> = serde_json::from_str(text).map_err(broken)?;
    Ok(cut(text, '[', values.into_iter().map(RawValue::get)))
}

fn cut<'t>(text: &'t str, open: char, values: impl Iterator<Item = &'t str>) -> Parts<'t> {
    let begin = text.find(open).map_or(0, |at| at + 1);
    let mut at = begin;
    let mut pieces: Vec<Piece<'t>> = Vec::new();
    for value in values {
        let start = (value.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let mut before = &text[at..start];
        if let Some(last) = pieces.last_mut() {
            (last.after, before) = before.split_once(',').unwrap_or(("", before));
        }
        pieces.push(Piece { before, value, after: "" });
        at = start + value.len();
    }
    Parts { head: &text[..begin], pieces, tail: &text[at..] }
}

/// Changes fields of an object; `gap` is what stands before a key where there is none to go by.
fn object(text: &str, fields: Vec<Field>, gap: &str) -> Result<String> {
    let Entries(pairs) = serde_json::from_str(text).map_err(broken)?;
    let count = pairs.len();
    let entries: IndexMap<String, &RawValue> = pairs.into_iter().collect();
    if entries.len() != count {
        return anew(text, fields, gap);
    }
    let Parts { head, pieces, tail } = cut(text, '{', entries.values().map(|value| value.get()));
    let gap = pieces.get(1).or(pieces.first()).map_or(gap, Piece::gap);
    let mut new: Vec<Option<String>> =
        pieces.iter().map(|piece| Some(piece.with(piece.value))).collect();
    for Field { name, value, .. } in fields {
        let index = entries.get_index_of(&name);
        match (index, value) {
            (Some(index), Some(value)) => {
                let piece = pieces[index];
                new[index] = Some(piece.with(&merge(piece.value, &value, gap)?));
            }
            (Some(index), None) => new[index] = None,
            (None, Some(value)) => {
                new.push(Some(format!("{gap}{}: {}", Value::from(name), pretty(&value, gap))));
            }
            (None, None) => {}
        }
    }
    let new: Vec<String> = new.into_iter().flatten().collect();
    Ok(format!("{head}{}{tail}", new.join(",")))
}

/// An object that gives a key twice has no single place for it: it is written anew, with the last
/// of the two, which is the one that counts.
fn anew(text: &str, fields: Vec<Field>, gap: &str) -> Result<String> {
    let mut whole: Map<String, Value> = serde_json::from_str(text).map_err(broken)?;
    for Field { name, value, .. } in fields {
        match value {
            Some(value) => drop(whole.insert(name, value)),
            None => drop(whole.remove(&name)),
        }
    }
    Ok(pretty(&Value::Object(whole), gap.strip_suffix("  ").unwrap_or(gap)))
}

/// A value in the place of another, whose parts stay as they are written where they say the same:
/// Postgres keeps the keys of an object in an order of its own.
fn merge(old: &str, new: &Value, gap: &str) -> Result<String> {
    let value: Value = serde_json::from_str(old).map_err(broken)?;
    match (&value, new) {
        _ if value == *new => Ok(old.to_owned()),
        (Value::Object(_), Value::Object(new)) => {
            let is_gone = |name: &&String| !new.contains_key(*name);
            let gone = value.as_object().into_iter().flat_map(|old| old.keys()).filter(is_gone);
            let gone = gone.map(|name| Field { name: name.clone(), value: None, is_body: false });
            let set = new.iter().map(|(name, value)| Field {
                name: name.clone(),
                value: Some(value.clone()),
                is_body: false,
            });
            object(old, gone.chain(set).collect(), &format!("{gap}  "))
        }
        (Value::Array(items), Value::Array(new)) => merge_items(old, items, new, gap),
        _ => Ok(pretty(new, gap)),
    }
}

/// Items at both ends that stay are taken as they are; what lies between is matched one by one.
fn merge_items(text: &str, old: &[Value], new: &[Value], gap: &str) -> Result<String> {
    let Parts { head, pieces, tail } = array(text)?;
    if pieces.is_empty() || new.is_empty() {
        return Ok(pretty(&Value::from(new), gap));
    }
    let same = |(a, b): &(&Value, &Value)| a == b;
    let first = old.iter().zip(new).take_while(same).count();
    let most = old.len().min(new.len()) - first;
    let last = old.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
    let inner = pieces[0].gap();
    let mut items: Vec<String> =
        pieces[..first].iter().map(|piece| piece.with(piece.value)).collect();
    let mut between = pieces[first..pieces.len() - last].iter();
    for value in &new[first..new.len() - last] {
        items.push(match between.next() {
            Some(piece) => piece.with(&merge(piece.value, value, inner)?),
            None => format!("{inner}{}", pretty(value, inner)),
        });
    }
    let rest = &pieces[pieces.len() - last..];
    items.extend(rest.iter().map(|piece| piece.with(piece.value)));
    Ok(format!("{head}{}{tail}", items.join(",")))
}

/// A value over several lines, as deep in as its key.
fn pretty(value: &Value, gap: &str) -> String {
    let text = if gap.contains('\n') {
        serde_json::to_string_pretty(value).unwrap_or_default()
    } else {
        value.to_string()
    };
    let depth = gap.rsplit('\n').next().unwrap_or_default();
    // JSON has no line breaks inside of strings.
    text.replace('\n', &format!("\n{depth}"))
}
