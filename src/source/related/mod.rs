//! Related rows: those whose vectors are nearest, found here and not by the server, and only among
//! rows that the site shows. What was found is kept beside the snapshot, so that a build whose
//! vectors are those of the last one compares nothing.

mod kept;
mod nearest;
mod stored;

use std::collections::HashMap;
use std::path::Path;

use indexmap::IndexMap;
use sqlx::PgConnection;
use uuid::Uuid;

use self::kept::{Found, Kept};
use self::nearest::Vectors;
use self::stored::Stamp;
use super::Row;
use super::notes::{Notes, Related};
use crate::config::Config;
use crate::error::Result;

/// Comparing each row with each takes its time: beyond so many rows it is left out.
const MOST: usize = 25_000;

/// A collection whose rows are to be shown with others, and what is needed to find those.
struct Wanted {
    name: String,
    of: String,
    limit: usize,
    model: String,
    /// Rows that have a vector, in the order of their ids.
    from: Vec<(Uuid, Stamp)>,
    to: Vec<(Uuid, Stamp)>,
}

/// A row's vector, and what tells it from its next one.
type Vector = (Uuid, Stamp, Vec<f32>);

/// Which vectors there are, and those that are not kept here from before: all that has to be read.
pub struct Read {
    wanted: Vec<Wanted>,
    kept: Kept,
    /// Vectors that are new, by collection and model.
    fresh: HashMap<(String, String), Vec<Vector>>,
}

/// Reads what the configuration asks for; nothing where nobody asks, or where there are no vectors.
pub async fn read(
    conn: &mut PgConnection,
    config: &Config,
    collections: &IndexMap<String, Vec<Row>>,
    file: Option<&Path>,
) -> Result<Option<Read>> {
    if config.collections.values().all(|it| it.related.is_none()) {
        return Ok(None);
    }
    if !stored::is_readable(conn).await? {
        tracing::info!(
            "there are no vectors to find related rows by: content_embeddings is missing"
        );
        return Ok(None);
    }
    let mut stamps: HashMap<&str, Vec<stored::Line>> = HashMap::new();
    for collection in config.collections.values() {
        let of = collection.related.as_ref().map(|related| related.of.as_str());
        for name in of.into_iter().flat_map(|of| [collection.name.as_str(), of]) {
            let Some(rows) = collections.get(name).filter(|_| !stamps.contains_key(name)) else {
                continue;
            };
            stamps.insert(name, stored::lines(conn, name, &ids(rows)).await?);
        }
    }
    let wanted = config.collections.values().filter_map(|collection| {
        let related = collection.related.as_ref()?;
        let (from, to) = (stamps.get(collection.name.as_str())?, stamps.get(related.of.as_str())?);
        wanted(&collection.name, related, from, to)
    });
    let wanted: Vec<Wanted> = wanted.collect();
    let kept = file.map(Kept::open).unwrap_or_default();
    let mut read = Read { wanted, kept, fresh: HashMap::new() };
    read.fetch(conn).await?;
    Ok(Some(read))
}

fn ids(rows: &[Row]) -> Vec<Uuid> {
    rows.iter().filter_map(id).collect()
}

fn id(row: &Row) -> Option<Uuid> {
    row.text("id").and_then(|id| Uuid::try_parse(id).ok())
}

/// The vectors of one model: of two that are there, the one that more rows have, or the newer one.
fn wanted(
    name: &str,
    related: &crate::config::Related,
    from: &[stored::Line],
    to: &[stored::Line],
) -> Option<Wanted> {
    let mut models: HashMap<&str, (usize, &str)> = HashMap::new();
    for line in from.iter().chain(to) {
        let (count, last) = models.entry(&line.model).or_insert((0, ""));
        *count += 1;
        *last = (*last).max(&line.updated);
    }
    let (model, _) = models.into_iter().max_by_key(|(model, facts)| (*facts, *model))?;
    let of_model = |lines: &[stored::Line]| {
        let lines = lines.iter().filter(|line| line.model == model);
        let mut rows: Vec<(Uuid, Stamp)> = lines.map(|line| (line.row, line.stamp())).collect();
        rows.sort_unstable();
        rows
    };
    let (from, to) = (of_model(from), of_model(to));
    let number = from.len().max(to.len());
    if number > MOST {
        tracing::warn!(
            "collections.{name}.related: {number} rows are more than the {MOST} that are compared: none are shown"
        );
        return None;
    }
    let (name, of, model) = (name.to_owned(), related.of.clone(), model.to_owned());
    Some(Wanted { name, of, limit: related.limit, model, from, to })
}

impl Read {
    /// Vectors are only needed where something has changed, and then those that are not kept.
    async fn fetch(&mut self, conn: &mut PgConnection) -> Result<()> {
        for wanted in &self.wanted {
            if self.kept.result(wanted).is_some() {
                continue;
            }
            for (collection, rows) in [(&wanted.name, &wanted.from), (&wanted.of, &wanted.to)] {
                let key = (collection.clone(), wanted.model.clone());
                if self.fresh.contains_key(&key) {
                    continue;
                }
                let has = self.kept.stamps(collection, &wanted.model);
                let is_new = |(id, stamp): &&(Uuid, Stamp)| has.get(id) != Some(stamp);
                let new: HashMap<Uuid, Stamp> = rows.iter().filter(is_new).copied().collect();
                let vectors = stored::vectors(conn, collection, &wanted.model, &new).await?;
                self.fresh.insert(key, vectors);
            }
        }
        Ok(())
    }

    /// Finds the related rows, and keeps what was found for the next time.
    pub fn find(
        self,
        collections: &IndexMap<String, Vec<Row>>,
        file: Option<&Path>,
        notes: &mut IndexMap<String, Notes>,
    ) {
        let Self { wanted, mut kept, mut fresh } = self;
        let (mut results, mut is_new) = (Vec::new(), false);
        for wanted in &wanted {
            let found = kept.result(wanted).unwrap_or_else(|| {
                is_new = true;
                for collection in [&wanted.name, &wanted.of] {
                    let key = (collection.clone(), wanted.model.clone());
                    kept.take_in(&key, fresh.remove(&key).unwrap_or_default());
                }
                compare(wanted, &kept)
            });
            let positions = |name: &str| -> HashMap<Uuid, usize> {
                let rows = collections.get(name).map_or(&[][..], Vec::as_slice);
                // Of two rows with one id the first counts.
                let rows = rows.iter().enumerate().rev();
                rows.filter_map(|(index, row)| Some((id(row)?, index))).collect()
            };
            let (from, to) = (positions(&wanted.name), positions(&wanted.of));
            let mut rows = vec![Vec::new(); collections.get(&wanted.name).map_or(0, Vec::len)];
            for (id, near) in wanted.from.iter().map(|(id, _)| id).zip(&found.rows) {
                let near = near.iter().filter_map(|near| to.get(&wanted.to.get(*near as usize)?.0));
                if let Some(row) = from.get(id).and_then(|index| rows.get_mut(*index)) {
                    *row = near.take(wanted.limit).copied().collect();
                }
            }
            let of = wanted.of.clone();
            notes.entry(wanted.name.clone()).or_default().related = Some(Related { of, rows });
            results.push(found);
        }
        if let Some(file) = file.filter(|_| is_new) {
            // Without it the next build compares again, no more.
            if let Err(error) = kept.keep(file, &wanted, results) {
                tracing::warn!("related rows are not kept: {}", error.chain().join(": "));
            }
        }
    }
}

fn compare(wanted: &Wanted, kept: &Kept) -> Found {
    let vectors = |name: &String, rows: &[(Uuid, Stamp)]| {
        kept.vectors(&(name.clone(), wanted.model.clone()), rows)
    };
    let to = vectors(&wanted.of, &wanted.to);
    let other;
    let from: &Vectors = if wanted.name == wanted.of {
        &to
    } else {
        other = vectors(&wanted.name, &wanted.from);
        &other
    };
    let is_same = wanted.name == wanted.of;
    let before = kept.before(wanted);
    let rows = nearest::nearest(from, &to, is_same, wanted.limit, before.as_ref());
    Found::of(wanted, rows)
}

#[cfg(test)]
mod tests;
