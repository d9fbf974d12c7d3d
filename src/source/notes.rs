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

    /// A row of a collection went: what was known of it, where it is this one's own, and where it
    /// was near others.
    pub fn without(&mut self, row: usize, own: bool, collection: &str) {
        let shifted = |other: usize| if other > row { other - 1 } else { other };
        if let Some(related) = &mut self.related {
            if own && row < related.rows.len() {
                related.rows.remove(row);
            }
            if related.of == collection {
                for near in &mut related.rows {
                    near.retain(|other| *other != row);
                    for other in near {
                        *other = shifted(*other);
                    }
                }
            }
        }
        if own && !self.written.is_empty() {
            self.written.remove(&row);
            let written = std::mem::take(&mut self.written).into_iter();
            self.written = written.map(|(other, columns)| (shifted(other), columns)).collect();
        }
    }

    /// A row came, of which nothing is known yet.
    pub fn with(&mut self, row: usize, own: bool, collection: &str) {
        let shifted = |other: usize| if other >= row { other + 1 } else { other };
        if let Some(related) = &mut self.related {
            if related.of == collection {
                let near = related.rows.iter_mut().flatten();
                near.for_each(|other| *other = shifted(*other));
            }
            if own && row <= related.rows.len() {
                related.rows.insert(row, Vec::new());
            }
        }
        if own && !self.written.is_empty() {
            let written = std::mem::take(&mut self.written).into_iter();
            self.written = written.map(|(other, columns)| (shifted(other), columns)).collect();
        }
    }

    /// What they say, but for when that was.
    pub fn tell(&self, hasher: &mut blake3::Hasher) {
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

/// What tells one state of what stands beside the rows from the next, without reading it: of the
/// vectors, where a configuration asks for related rows, and of what models wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    pub vectors: Option<String>,
    pub written: Option<String>,
    /// The tables in which models wrote.
    pub tables: Vec<String>,
    /// Whether what tells of that names rows by their `id`.
    pub by_id: bool,
}

impl Stamp {
    pub async fn read(conn: &mut PgConnection, config: &Config) -> Result<Self> {
        const DOING: &str = "looking at what is known beside the rows";
        const READABLE: &str = "select \
            coalesce(has_table_privilege(to_regclass('public.content_embeddings')::oid, 'select'), false), \
            coalesce(has_table_privilege(to_regclass('public.enrichments')::oid, 'select'), false)";
        const VECTORS: &str = "select concat_ws(' ', count(*), sum(xmin::text::bigint), max(updated_at)) \
            from public.content_embeddings";
        const WRITTEN: &str = "select concat_ws(' ', count(*), sum(xmin::text::bigint)), \
            coalesce(array_agg(distinct table_name), '{}') \
            from public.enrichments where reverted_at is null";
        let readable = sqlx::query_as(READABLE).persistent(false).fetch_one(&mut *conn).await;
        let (vectors, written): (bool, bool) = readable.or_explain(DOING)?;
        let mut stamp = Self::default();
        if vectors && config.collections.values().any(|it| it.related.is_some()) {
            let read = sqlx::query_scalar(VECTORS).persistent(false).fetch_one(&mut *conn).await;
            stamp.vectors = Some(read.or_explain(DOING)?);
        }
        if written {
            let read = sqlx::query_as(WRITTEN).persistent(false).fetch_one(&mut *conn).await;
            let (written, tables) = read.or_explain(DOING)?;
            (stamp.written, stamp.tables) = (Some(written), tables);
            stamp.by_id = enriched::are_by_id(conn).await?;
        }
        Ok(stamp)
    }

    /// Whether models wrote in the table of a collection.
    pub fn is_about(&self, from: &From) -> bool {
        matches!(from, From::Table(table) if {
            let bare = table.strip_prefix("public.").unwrap_or(table);
            self.tables.iter().any(|table| table == bare)
        })
    }
}

/// The same as [`written`] of single rows that stay in their places, where lines name rows by their
/// `id`. False, and nothing done, where a row has none.
pub async fn rewritten(
    conn: &mut PgConnection,
    config: &Config,
    rows: &[(&str, usize, &Row)],
    notes: &mut IndexMap<String, Notes>,
) -> Result<bool> {
    for (name, index, row) in rows {
        let Some(From::Table(table)) = config.collections.get(*name).map(|it| &it.from) else {
            return Ok(false);
        };
        let Some(id) = row.fields.get("id") else { return Ok(false) };
        let bare = table.strip_prefix("public.").unwrap_or(table);
        let key = serde_json::json!({ "id": id }).to_string();
        let standing = enriched::standing_by_id(conn, bare, &quoted(table), &[&key]).await?;
        let found = of_rows(std::slice::from_ref(*row), standing).remove(&0);
        let of = notes.entry((*name).to_owned()).or_default();
        match found {
            Some(found) => drop(of.written.insert(*index, found)),
            None => drop(of.written.remove(index)),
        }
    }
    notes.retain(|_, notes| !notes.is_empty());
    Ok(true)
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
        let standing = enriched::standing(conn, bare, &quoted(table), Some(KEY), None).await?;
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
