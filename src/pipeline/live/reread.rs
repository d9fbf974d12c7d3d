//! Which rows to read again after a change, and what that changes.

use std::collections::HashSet;

use serde_json::Value;

use super::Live;
use super::moves::{MOST, Moves};
use super::places::Places;
use super::rows::{Change, Keeper, connection};
use crate::config::{Collection, Config, From};
use crate::db::seed::Touched;
use crate::error::Result;
use crate::source::some::{self, Reader, Shape};

impl Keeper {
    pub(super) async fn reread(&mut self, live: &Live, touched: &Touched) -> Result<Vec<Change>> {
        let config = &live.config;
        // Whoever waits for this may go, and the next one needs them.
        let mut shapes = self.shapes.clone();
        let wants_drafts = self.drafts;
        let mut changes = Vec::new();
        let connection = connection(&self.database, &mut self.connection).await?;
        let places = &mut self.places;
        let mut reader = Reader::begin(connection, config, &self.touched).await?;
        for (name, collection) in &config.collections {
            let shape = shapes.entry(name.clone()).or_default();
            let table = match &collection.from {
                From::Table(table) if shape.has_key() => Some(table),
                _ => None,
            };
            match table {
                Some(table) if touched.tables.iter().any(|it| is(it, table)) => {
                    changes.extend(all(&mut reader, live, collection).await?);
                }
                Some(table) => {
                    let keys = touched.rows.iter().filter(|(it, _)| is(it, table));
                    let keys: Vec<Value> = keys.flat_map(|(_, keys)| keys).cloned().collect();
                    if keys.len() > MOST {
                        changes.extend(all(&mut reader, live, collection).await?);
                    } else if !keys.is_empty() {
                        let few = few(&mut reader, live, places, collection, shape, &keys);
                        changes.extend(few.await?);
                    }
                }
                // A view or a query may draw on anything; what was empty may have rows now.
                None => {
                    *shape = reader.shape(collection).await?;
                    changes.extend(all(&mut reader, live, collection).await?);
                }
            }
        }
        let layouts =
            if touches_layouts(config, touched) { Some(reader.layouts().await?) } else { None };
        reader.end().await?;
        if let Some(layouts) = layouts {
            let drafts =
                if wants_drafts { Some(some::drafts(connection, config).await?) } else { None };
            if !live.has_layouts(&layouts, drafts.as_deref()) {
                changes.push(Change::Layouts { layouts, drafts });
            }
        }
        self.shapes = shapes;
        self.forget_places(&changes);
        Ok(changes)
    }

    /// Where rows come or go, others have other places now.
    fn forget_places(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::All { collection, .. }
                | Change::Gone { collection, .. }
                | Change::Come { collection, .. } => self.places.forget(collection),
                Change::Row { .. } | Change::Layouts { .. } | Change::Notes(_) => {}
            }
        }
    }
}

/// Rows that cannot be asked for one by one: those that differ from the ones there are.
async fn all(reader: &mut Reader<'_>, live: &Live, collection: &Collection) -> Result<Vec<Change>> {
    let rows = reader.all(collection).await?;
    let (name, held) = (&collection.name, live.rows(&collection.name));
    let pairs = held.iter().zip(&rows).enumerate();
    let differ = pairs.filter(|(_, (held, row))| held.hash != row.hash);
    let differ: Vec<usize> = differ.map(|(index, _)| index).take(MOST + 1).collect();
    if held.len() != rows.len() || differ.len() > MOST {
        return Ok(vec![Change::All { collection: name.clone(), rows }]);
    }
    let one = |index: usize| {
        let row = rows.get(index)?.clone();
        Some(Change::Row { collection: name.clone(), index, row })
    };
    Ok(differ.into_iter().filter_map(one).collect())
}

/// Rows of a table, by their keys. Where they stay in their place, that is all there is to read.
async fn few(
    reader: &mut Reader<'_>,
    live: &Live,
    places: &mut Places,
    collection: &Collection,
    shape: &Shape,
    keys: &[Value],
) -> Result<Vec<Change>> {
    let rows = reader.some(collection, shape, keys).await?;
    let mut changes = Vec::new();
    let mut moves = Moves::default();
    let mut seen = HashSet::new();
    let keys = keys.iter().filter_map(|key| shape.key_in(key));
    for key in keys.filter(|key| seen.insert(Shape::text(key))) {
        let former = places.find(live, &collection.name, shape, &key);
        let row = rows.iter().find(|row| shape.is(row, &key));
        match (former, row) {
            (Some((index, former)), Some(row)) if !some::may_move(collection, former, row) => {
                let (collection, row) = (collection.name.clone(), row.clone());
                changes.push(Change::Row { collection, index, row });
            }
            (former, row) => {
                moves.gone.extend(former.map(|(index, _)| index));
                moves.come.extend(row.cloned());
            }
        }
    }
    let held = live.rows(&collection.name);
    match moves.changes(reader, held, collection, shape).await? {
        Some(moves) => Ok(changes.into_iter().chain(moves).collect()),
        // Others came meanwhile, or many.
        None => Ok(vec![Change::All {
            collection: collection.name.clone(),
            rows: reader.all(collection).await?,
        }]),
    }
}

fn touches_layouts(config: &Config, touched: &Touched) -> bool {
    let Some(layouts) = &config.layouts else { return false };
    let of_rows = touched.rows.iter().map(|(table, _)| table);
    touched.tables.iter().chain(of_rows).any(|table| is(table, layouts))
}

/// Whether two names are of one table, with its schema or without.
fn is(table: &str, of: &str) -> bool {
    bare(table) == bare(of)
}

fn bare(table: &str) -> &str {
    table.strip_prefix("public.").unwrap_or(table)
}
