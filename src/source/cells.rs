//! Rows as they arrive, each column as text, on their way to values and hashes. They come from the
//! server or from a snapshot, and either way the same rows become the same values.

use std::sync::Arc;

use blake3::Hasher;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Hash, Row};
use crate::error::{Error, Result};

/// A column of a collection's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// Whether its values are plain text to the client; JSON otherwise.
    pub is_text: bool,
    /// Whether it only says when a row was touched, and no page shows it.
    #[serde(skip)]
    pub is_touch: bool,
}

/// Some rows of a collection.
pub trait Cells {
    fn rows(&self) -> usize;
    /// A value as text; `None` is null.
    fn cell(&self, row: usize, column: usize) -> Result<Option<&str>>;
}

impl Cells for Vec<PgRow> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn cell(&self, row: usize, column: usize) -> Result<Option<&str>> {
        self[row].try_get(column).map_err(|error| {
            Error::database(format!("the column {} is not text", column + 1)).because(error)
        })
    }
}

pub fn parse(cells: &impl Cells, columns: &[Column]) -> Result<Vec<Row>> {
    (0..cells.rows()).map(|row| parse_one(cells, row, columns)).collect()
}

fn parse_one(cells: &impl Cells, row: usize, columns: &[Column]) -> Result<Row> {
    let mut fields = Map::with_capacity(columns.len());
    let (mut content, mut bookkeeping) = (Hasher::new(), Hasher::new());
    for (index, column) in columns.iter().enumerate() {
        let text = cells.cell(row, index)?;
        let hasher = if column.is_touch { &mut bookkeeping } else { &mut content };
        hasher.update(column.name.as_bytes());
        hasher.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
        fields.insert(column.name.clone(), value(text, column)?);
    }
    let content: Hash = content.finalize().into();
    let hash = bookkeeping.update(&content).finalize().into();
    Ok(Row { fields: Arc::new(fields), far: Vec::new(), hash, content })
}

fn value(text: Option<&str>, column: &Column) -> Result<Value> {
    match text {
        None => Ok(Value::Null),
        Some(text) if column.is_text => Ok(Value::String(text.to_owned())),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Error::database(format!("the column \"{}\" is not valid JSON", column.name))
                .because(error)
        }),
    }
}
