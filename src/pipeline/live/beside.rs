//! What is known of rows beside their columns, kept right while the rows change: which are near, and
//! which of their values models wrote. All of it goes by the places of rows.

use indexmap::IndexMap;

use super::rows::{Change, Keeper, connection};
use super::{Live, changes, reading};
use crate::error::Result;
use crate::model::Row;
use crate::render::Sources;
use crate::source::{self, Stamp};

impl Keeper {
    /// What is known of rows by their place, where they moved or something else is known.
    pub(super) async fn with_notes(
        &mut self,
        live: &Live,
        noted: bool,
        mut changes: Vec<Change>,
    ) -> Result<Vec<Change>> {
        let config = &live.config;
        let connection = connection(&self.database, &mut self.connection).await?;
        // Nobody else writes to the embedded database.
        let stamp = if self.database.is_embedded() && !noted {
            self.stamp.clone()
        } else {
            Stamp::read(connection, config).await?
        };
        let are_known = |name: &String| {
            let of = config.collections.get(name);
            of.is_some_and(|it| it.related.is_some() || stamp.is_about(&it.from))
                || config
                    .collections
                    .values()
                    .any(|it| it.related.as_ref().is_some_and(|related| related.of == *name))
        };
        let moves = |change: &Change| match change {
            Change::Gone { collection, .. }
            | Change::Come { collection, .. }
            | Change::All { collection, .. } => are_known(collection),
            Change::Row { .. } | Change::Layouts { .. } | Change::Notes(_) => false,
        };
        // Whether a value is still a model's, the row's new one says.
        let rows = changes.iter().filter_map(|change| match change {
            Change::Row { collection, index, row } => {
                let of = config.collections.get(collection)?;
                stamp.is_about(&of.from).then_some((collection.as_str(), *index, row))
            }
            _ => None,
        });
        let rows: Vec<_> = rows.collect();
        let mut anew = stamp != self.stamp || changes.iter().any(moves);
        let mut notes = None;
        if !anew && !rows.is_empty() {
            let mut known = live.snapshot.notes.clone();
            anew = !stamp.by_id || !source::notes_of(connection, config, &rows, &mut known).await?;
            notes = Some(known);
        }
        if anew {
            let rows = live.rows_after(&changes);
            let vectors = reading::vectors(config);
            notes = Some(source::notes(connection, config, &rows, Some(&vectors)).await?);
        }
        changes.extend(notes.map(Change::Notes));
        self.stamp = stamp;
        Ok(changes)
    }
}

impl Live {
    /// The rows of all collections as they will be.
    fn rows_after(&self, changes: &[Change]) -> IndexMap<String, Vec<Row>> {
        let mut collections = self.snapshot.collections.clone();
        for change in changes {
            changes::put(&mut collections, change.clone());
        }
        collections
    }

    /// Other things are known of the rows there are: of no path and no group does that change
    /// anything.
    pub(super) fn note(&mut self) -> Result<()> {
        let (mut any, mut rows) = (false, Vec::new());
        for (name, collection) in &mut self.site.collections {
            let notes = self.snapshot.notes.get(name).cloned().unwrap_or_default();
            if collection.notes == notes {
                continue;
            }
            any = true;
            let former = std::mem::replace(&mut collection.notes, notes);
            let (before, now) = (&former.written, &collection.notes.written);
            let all = before.keys().chain(now.keys().filter(|row| !before.contains_key(row)));
            let differ = all.filter(|row| before.get(row) != now.get(row));
            rows.extend(differ.map(|row| (name.clone(), *row)));
        }
        if !any {
            return Ok(());
        }
        self.inline.moved();
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        press.noted(&rows, Sources { config, theme, site, manifests, shared })
    }
}
