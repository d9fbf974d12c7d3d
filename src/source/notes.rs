//! What is known of a collection's rows beside their columns: which others are near, and which
//! values models wrote. The reading role need not see where that stands; it is read as the one who
//! connects, and only of rows that the reading role was shown.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::Row;
use crate::config::{Config, From};
use crate::db::enriched::{self, Standing};
use crate::db::{Explain as _, quoted};
use crate::error::Result;

/// Of one collection. Rows are named by their position.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub related: Option<Related>,
    /// What models wrote and still stands, by row and column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub written: BTreeMap<usize, BTreeMap<String, Written>>,
}

/// For each row the nearest rows of a collection, the nearest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Related {
    pub of: String,
    pub rows: Vec<Vec<usize>>,
}

/// Who wrote a value, and when: RFC 3339.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Written {
    pub model: String,
    pub provider: String,
    pub at: String,
}

impl Notes {
    pub fn is_empty(&self) -> bool {
        self.related.is_none() && self.written.is_empty()
    }

    /// What they say, but for when that was.
    pub(super) fn tell(&self, hasher: &mut blake3::Hasher) {
        for near in self.related.iter().flat_map(|related| &related.rows) {
            hasher.update(format!("{near:?}").as_bytes());
        }
        for (row, columns) in &self.written {
            for (column, Written { model, provider, .. }) in columns {
                hasher.update(format!("{row} {column} {model} {provider}\n").as_bytes());
            }
        }
    }

    /// As much of them as a configuration wants that may have changed since.
    pub(super) fn fit(
        mut self,
        wanted: Option<&crate::config::Related>,
        rows: &IndexMap<String, Vec<Row>>,
    ) -> Self {
        self.related = self.related.filter(|it| wanted.is_some_and(|wanted| wanted.of == it.of));
        if let (Some(related), Some(wanted)) = (&mut self.related, wanted) {
            let count = rows.get(&related.of).map_or(0, Vec::len);
            for near in &mut related.rows {
                near.retain(|row| *row < count);
                near.truncate(wanted.limit);
            }
        }
        self
    }
}

/// What the one who connects may do, for the rest of the transaction.
pub async fn become_oneself(conn: &mut PgConnection) -> Result<()> {
    let become_it = sqlx::raw_sql("set local role none").execute(conn).await;
    become_it.map(drop).or_explain("reading what is known beside the rows")
}

/// Notes which values of the rows models wrote.
pub async fn written(
    conn: &mut PgConnection,
    config: &Config,
    collections: &IndexMap<String, Vec<Row>>,
    notes: &mut IndexMap<String, Notes>,
) -> Result<()> {
    if !enriched::is_readable(conn).await? {
        return Ok(());
    }
    let tables = enriched::tables(conn).await?;
    for (name, rows) in collections {
        let Some(From::Table(table)) = config.collections.get(name).map(|it| &it.from) else {
            continue;
        };
        let bare = table.strip_prefix("public.").unwrap_or(table);
        if rows.is_empty() || !tables.iter().any(|table| table == bare) {
            continue;
        }
        let standing = enriched::standing(conn, bare, &quoted(table), Some(KEY)).await?;
        let written = of_rows(rows, standing);
        if !written.is_empty() {
            notes.entry(name.clone()).or_default().written = written;
        }
    }
    Ok(())
}

/// The columns that a line names the row by, as this transaction writes them.
const KEY: &str = "(select jsonb_object_agg(name, to_jsonb(t) -> name) \
    from jsonb_object_keys(e.row_key) as name)";

/// Only of columns that the rows show.
fn of_rows(rows: &[Row], standing: Vec<Standing>) -> BTreeMap<usize, BTreeMap<String, Written>> {
    let mut written: BTreeMap<usize, BTreeMap<String, Written>> = BTreeMap::new();
    let mut places: HashMap<Vec<String>, HashMap<String, usize>> = HashMap::new();
    for line in standing {
        let Some(key) = line.key.as_object() else { continue };
        let columns: Vec<String> = key.keys().cloned().collect();
        let places = places.entry(columns).or_insert_with_key(|columns| {
            let place = |(index, row): (usize, &Row)| Some((key_of(columns, &row.fields)?, index));
            rows.iter().enumerate().filter_map(place).collect()
        });
        let place = key_of(&key.keys().cloned().collect::<Vec<_>>(), key);
        let Some(index) = place.and_then(|key| places.get(&key).copied()) else { continue };
        if !rows[index].fields.contains_key(&line.column) {
            continue;
        }
        let Standing { column, model, provider, at, .. } = line;
        written.entry(index).or_default().insert(column, Written { model, provider, at });
    }
    written
}

/// A key as text, if all of its columns are there.
fn key_of(columns: &[String], fields: &Map<String, Value>) -> Option<String> {
    let values: Option<Vec<&Value>> = columns.iter().map(|column| fields.get(column)).collect();
    serde_json::to_string(&values?).ok()
}
