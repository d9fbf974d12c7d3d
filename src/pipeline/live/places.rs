//! Where rows stand, by their keys: a change of one row does not look through all of them.

use std::collections::HashMap;

use serde_json::Value;

use super::Live;
use crate::model::Row;
use crate::source::some::Shape;

/// By collection. Made when first asked for, and again once rows have moved.
#[derive(Default)]
pub struct Places(HashMap<String, HashMap<String, usize>>);

impl Places {
    /// A row by its key, and where it is.
    pub fn find<'l>(
        &mut self,
        live: &'l Live,
        collection: &str,
        shape: &Shape,
        key: &[Value],
    ) -> Option<(usize, &'l Row)> {
        let rows = live.rows(collection);
        let of = self.0.entry(collection.to_owned()).or_insert_with(|| index(rows, shape));
        let text = Shape::text(key);
        let at = |of: &HashMap<String, usize>| {
            let index = of.get(&text).copied()?;
            let row = rows.get(index).filter(|row| shape.is(row, key))?;
            Some((index, row))
        };
        if of.len() != rows.len() || (of.contains_key(&text) && at(of).is_none()) {
            *of = index(rows, shape);
        }
        at(of)
    }

    /// A collection's rows may stand elsewhere.
    pub fn forget(&mut self, collection: &str) {
        self.0.remove(collection);
    }
}

fn index(rows: &[Row], shape: &Shape) -> HashMap<String, usize> {
    rows.iter().enumerate().map(|(index, row)| (shape.text_of(row), index)).collect()
}
