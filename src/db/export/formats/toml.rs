//! TOML files: keys that stay keep their place, their form and their comments.

use serde_json::{Map, Value};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table};

use super::{Field, Line, broken, value};
use crate::error::{Error, Result};

/// A file that is one row, or a front matter.
pub(super) fn row(original: &str, fields: Vec<Field>) -> Result<String> {
    let mut document: DocumentMut = original.parse().map_err(broken)?;
    change(document.as_table_mut(), fields)?;
    Ok(document.to_string())
}

/// A file that is a list of rows.
pub(super) fn list(original: &str, name: &str, lines: Vec<Line>) -> Result<String> {
    let mut document: DocumentMut = original.parse().map_err(broken)?;
    if !document.get(name).is_some_and(Item::is_array_of_tables) {
        let rows = match document.remove(name) {
            Some(inline) if !inline.as_array().is_some_and(toml_edit::Array::is_empty) => {
                inline.into_array_of_tables().map_err(|_| no_list())?
            }
            _ => ArrayOfTables::new(),
        };
        document.insert(name, Item::ArrayOfTables(rows));
    }
    let rows = document.get_mut(name).and_then(Item::as_array_of_tables_mut).ok_or_else(no_list)?;
    let mut gone = Vec::new();
    for (index, line) in lines.into_iter().enumerate() {
        match line {
            Line::Keep => {}
            Line::Remove => gone.push(index),
            Line::Change(fields) => change(rows.get_mut(index).ok_or_else(no_list)?, fields)?,
            Line::New(fields) => {
                let mut table = Table::new();
                change(&mut table, fields)?;
                table.decor_mut().set_prefix(if index == 0 { "" } else { "\n" });
                rows.push(table);
            }
        }
    }
    for index in gone.into_iter().rev() {
        remove(rows, index);
    }
    Ok(document.to_string())
}

fn no_list() -> Error {
    Error::content("it is no list of rows")
}

/// Takes a row out. What stands at the head of the file is not only about its first row.
fn remove(rows: &mut ArrayOfTables, index: usize) {
    let row = rows.remove(index);
    let prefix = |table: &Table| {
        let prefix = table.decor().prefix().and_then(|prefix| prefix.as_str());
        prefix.unwrap_or_default().to_owned()
    };
    let head = prefix(&row);
    if let (0, Some(next), Some(end)) = (index, rows.get_mut(0), head.rfind("\n\n")) {
        let own = prefix(next);
        next.decor_mut().set_prefix(format!("{}{}", &head[..=end], own));
    } else if let (0, Some(next)) = (index, rows.get_mut(0)) {
        let own = prefix(next);
        next.decor_mut().set_prefix(own.trim_start_matches('\n'));
    }
}

fn change(table: &mut Table, fields: Vec<Field>) -> Result<()> {
    for Field { name, value, .. } in fields {
        match value {
            Some(value) => set(table, &name, &value, true)?,
            None => drop(table.remove(&name)),
        }
    }
    Ok(())
}

/// Sets a key; an object that is new becomes a table of its own where there is room for one.
fn set(table: &mut Table, name: &str, value: &Value, has_room: bool) -> Result<()> {
    let has_room = has_room && !table.is_dotted();
    match (table.get_mut(name), value) {
        (Some(Item::Table(inner)), Value::Object(object)) if !is_escape(object) => {
            merge(inner, object)
        }
        (Some(Item::ArrayOfTables(rows)), Value::Array(items))
            if !items.is_empty() && items.iter().all(Value::is_object) =>
        {
            merge_all(rows, items)
        }
        (Some(item), _) => {
            *item = replaced(item, value)?;
            Ok(())
        }
        (None, Value::Object(object)) if has_room && !object.is_empty() && !is_escape(object) => {
            let mut inner = Table::new();
            inner.decor_mut().set_prefix("\n");
            merge(&mut inner, object)?;
            table.insert(name, Item::Table(inner));
            Ok(())
        }
        (None, _) => {
            table.insert(name, Item::Value(parsed(&value::written(value))?));
            Ok(())
        }
    }
}

fn is_escape(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.keys().all(|key| key.starts_with('$'))
}

fn merge(table: &mut Table, object: &Map<String, Value>) -> Result<()> {
    table.retain(|key, _| object.contains_key(key));
    for (name, value) in object {
        if table.get(name).is_none_or(|item| !says(item, value)) {
            set(table, name, value, false)?;
        }
    }
    Ok(())
}

fn merge_all(rows: &mut ArrayOfTables, items: &[Value]) -> Result<()> {
    while rows.len() > items.len() {
        rows.remove(rows.len() - 1);
    }
    for (index, item) in items.iter().enumerate() {
        if rows.len() == index {
            let mut table = Table::new();
            table.decor_mut().set_prefix("\n");
            rows.push(table);
        }
        if let (Some(table), Some(object)) = (rows.get_mut(index), item.as_object()) {
            merge(table, object)?;
        }
    }
    Ok(())
}

/// The new value with the old one's comment. A moment stays without quotes.
fn replaced(old: &Item, value: &Value) -> Result<Item> {
    let moment = value::moment(value).filter(|_| old.is_datetime());
    let mut new = parsed(&moment.unwrap_or_else(|| value::written(value)))?;
    if let Some(old) = old.as_value() {
        *new.decor_mut() = old.decor().clone();
    }
    Ok(Item::Value(new))
}

fn parsed(text: &str) -> Result<toml_edit::Value> {
    text.parse().map_err(broken)
}

/// Whether an item is a value already.
fn says(item: &Item, value: &Value) -> bool {
    match (item, value) {
        (Item::Value(toml_edit::Value::InlineTable(table)), Value::Object(object)) => {
            table.len() == object.len()
                && object.iter().all(|(key, value)| {
                    table.get(key).is_some_and(|item| says(&Item::Value(item.clone()), value))
                })
        }
        (Item::Value(toml_edit::Value::Array(array)), Value::Array(items)) => {
            array.len() == items.len()
                && array.iter().zip(items).all(|(a, b)| says(&Item::Value(a.clone()), b))
        }
        (Item::Table(table), Value::Object(object)) => {
            table.len() == object.len()
                && object
                    .iter()
                    .all(|(key, value)| table.get(key).is_some_and(|item| says(item, value)))
        }
        (Item::ArrayOfTables(rows), Value::Array(items)) => {
            rows.len() == items.len()
                && rows.iter().zip(items).all(|(a, b)| says(&Item::Table(a.clone()), b))
        }
        (item, Value::String(text)) => item.as_str().map_or_else(
            || item.as_datetime().is_some_and(|moment| moment.to_string() == *text),
            |own| own == text,
        ),
        (item, Value::Bool(flag)) => item.as_bool() == Some(*flag),
        (item, Value::Number(number)) => match number.as_i64() {
            Some(number) => item.as_integer() == Some(number),
            None => item
                .as_float()
                .zip(number.as_f64())
                .is_some_and(|(a, b)| a.to_bits() == b.to_bits()),
        },
        _ => false,
    }
}
