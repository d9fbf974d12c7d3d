//! Names for rows that have no key of their own.

use std::collections::HashSet;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::catalog::Table;
use super::read::Row;

/// Keeps the parts of a name apart.
const BETWEEN: char = '\u{1f}';

/// The names given so far in one table.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name no other row of the table has.
    pub fn name(&mut self, table: &Table, row: &Row) -> String {
        let name = match &row.stem {
            Some(stem) => format!("file {stem}"),
            None => self.of_texts(table, row),
        };
        self.make_sole(&name)
    }

    /// As few of the row's texts as tell it from the rows before it.
    fn of_texts(&self, table: &Table, row: &Row) -> String {
        let mut name = String::new();
        for text in texts(table, row) {
            name.push(BETWEEN);
            name.push_str(text);
            if !self.0.contains(&name) {
                break;
            }
        }
        name
    }

    /// Of two rows that say the same, the second is known by being the second.
    fn make_sole(&mut self, name: &str) -> String {
        let mut sole = name.to_owned();
        let mut count = 1;
        while !self.0.insert(sole.clone()) {
            count += 1;
            sole = format!("{name}{BETWEEN}#{count}");
        }
        sole
    }
}

/// The row's texts in the order of the table's columns.
fn texts<'a>(table: &'a Table, row: &'a Row) -> impl Iterator<Item = &'a str> {
    let columns = table.columns.iter().filter(|column| column.is_text && !column.is_array);
    columns.filter_map(|column| row.fields.get(&column.name)?.as_str())
}

/// A UUID that is always the same for one name in one table.
pub(super) fn id(table: &Table, name: &str) -> Uuid {
    let text = format!("{}/{name}", table.name);
    let hash = Sha256::digest(text.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
