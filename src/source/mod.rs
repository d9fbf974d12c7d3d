//! The source: one consistent snapshot of content and published layouts, read as the public sees
//! them. What `anon` may not read cannot reach any later stage.

mod cells;
mod layouts;
mod notes;
mod read;
mod related;
pub mod snapshot;
pub mod some;
mod sql;
mod texts;
mod trial;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use sqlx::{Connection, PgConnection, Postgres, Transaction};

pub use layouts::LayoutRow;
pub use notes::{Notes, Related, Stamp, Written};
use snapshot::Recorder;
pub use texts::Far;
#[cfg(test)]
pub use texts::push_far;
pub use trial::{Trial, attempt};

use crate::config::Config;
use crate::db;
use crate::db::deploys::{self, Seen};
use crate::error::Result;
use crate::theme::Touched;

/// A content hash: BLAKE3 of a row's JSON text.
pub type Hash = [u8; 32];

/// Everything a build reads from the database.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Rows by collection, in the collection's order.
    pub collections: IndexMap<String, Vec<Row>>,
    /// The highest published version of each page's layout, by page name.
    pub layouts: Vec<LayoutRow>,
    /// What is known of rows beside their columns, by collection; where there is anything.
    pub notes: IndexMap<String, Notes>,
    /// The marks of changes that this read takes in, where it is to go live.
    pub changes: Option<Seen>,
}

/// One row: its columns as JSON, and hashes of the text they came as.
#[derive(Debug, Clone, Default)]
pub struct Row {
    /// Shared: a site may be assembled anew from rows that another one is made of.
    pub fields: Arc<Map<String, Value>>,
    /// Long texts that lie outside memory; among the fields there is null in their place.
    pub far: Vec<(String, Far)>,
    /// Of all columns.
    pub hash: Hash,
    /// Of all but those that say when the row was made and touched, where no page shows them.
    pub content: Hash,
}

impl Row {
    /// A column's value, wherever it lies. What templates show, and any Markdown or HTML, is to be
    /// asked for in this way.
    pub fn field(&self, column: &str) -> Result<Option<Cow<'_, Value>>> {
        let near = self.fields.get(column).map(Cow::Borrowed);
        let Some((_, far)) = self.far.iter().find(|(name, _)| name == column) else {
            return Ok(near);
        };
        Ok(Some(Cow::Owned(Value::String(far.read()?))))
    }

    /// Whether part of the row lies outside memory, where what is made of it should not stay either.
    pub fn is_far(&self) -> bool {
        !self.far.is_empty()
    }

    /// A short column's text, if it is there and is text.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.fields.get(column).and_then(Value::as_str)
    }

    /// How messages name this row: by slug, name, title or id.
    pub fn label(&self) -> String {
        let name = ["slug", "name", "title", "id"]
            .iter()
            .find_map(|column| self.text(column).map(|value| format!("{column} \"{value}\"")));
        name.unwrap_or_else(|| "without a slug, name, title or id".to_owned())
    }
}

/// Reads the whole site in one `REPEATABLE READ READ ONLY` transaction under the reading role, and
/// tells a recorder what arrives. What is found by vectors is kept in the file `vectors`.
pub async fn read(
    conn: &mut PgConnection,
    config: &Config,
    mut recorder: Option<&mut Recorder>,
    vectors: Option<&Path>,
) -> Result<Snapshot> {
    let role = &config.database.role;
    let failed = |doing| move |error| db::explain_as(error, doing, role);
    let mut transaction = conn
        .begin_with("begin isolation level repeatable read read only")
        .await
        .map_err(failed("starting to read"))?;
    let mut snapshot = Snapshot::default();
    if config.hook.is_live {
        snapshot.changes = deploys::seen(&mut transaction).await?;
    }
    read::become_role(&mut transaction, role).await?;
    let shelf = texts::Shelf::new(texts::NEAR);
    let recording = recorder.as_deref_mut();
    let touched = &Touched::of(config)?;
    let conn = &mut *transaction;
    let mut reader = read::Reader { conn, role, recorder: recording, shelf, config, touched };
    for collection in config.collections.values() {
        let rows = reader.collection(collection).await?;
        snapshot.collections.insert(collection.name.clone(), rows);
    }
    let mut stored = Vec::new();
    if let Some(table) = &config.layouts {
        stored = layouts::read(&mut transaction, table, role).await?;
    }
    let known = known(transaction, config, &snapshot.collections, vectors).await?;
    if let Some(recorder) = recorder {
        recorder.layouts(config.layouts.clone(), stored.clone());
        recorder.notes(&known);
    }
    snapshot.layouts = stored.into_iter().map(layouts::Stored::parse).collect::<Result<_>>()?;
    snapshot.notes = known;
    Ok(snapshot)
}

/// What is known beside rows that were read before, as it is now.
pub async fn notes(
    conn: &mut PgConnection,
    config: &Config,
    collections: &IndexMap<String, Vec<Row>>,
    vectors: Option<&Path>,
) -> Result<IndexMap<String, Notes>> {
    let role = &config.database.role;
    let begun = conn.begin_with("begin isolation level repeatable read read only").await;
    let mut transaction = begun.map_err(|error| db::explain_as(error, "starting to read", role))?;
    read::become_role(&mut transaction, role).await?;
    known(transaction, config, collections, vectors).await
}

/// The same after single rows became others in their places, by what was known before. False, and
/// nothing done, where that does not tell enough.
pub async fn notes_of(
    conn: &mut PgConnection,
    config: &Config,
    rows: &[(&str, usize, &Row)],
    known: &mut IndexMap<String, Notes>,
) -> Result<bool> {
    let role = &config.database.role;
    let begun = conn.begin_with("begin isolation level repeatable read read only").await;
    let mut transaction = begun.map_err(|error| db::explain_as(error, "starting to read", role))?;
    read::become_role(&mut transaction, role).await?;
    notes::become_oneself(&mut transaction).await?;
    let done = notes::rewritten(&mut transaction, config, rows, known).await?;
    let ended = transaction.rollback().await;
    ended.map_err(|error| db::explain_as(error, "finishing to read", role))?;
    Ok(done)
}

/// The same at the end of a transaction, which this ends.
async fn known(
    mut transaction: Transaction<'_, Postgres>,
    config: &Config,
    collections: &IndexMap<String, Vec<Row>>,
    vectors: Option<&Path>,
) -> Result<IndexMap<String, Notes>> {
    let mut known = IndexMap::new();
    let read = beside(&mut transaction, config, collections, vectors, &mut known).await;
    let ended = transaction.rollback().await;
    ended.map_err(|error| db::explain_as(error, "finishing to read", &config.database.role))?;
    match read {
        Ok(Some(read)) => read.find(collections, vectors, &mut known),
        Ok(None) => {}
        // The site is whole without.
        Err(error) => tracing::warn!("{}", error.chain().join(": ")),
    }
    Ok(known)
}

/// What is known of the rows that were read, as the one who connects may see it.
async fn beside(
    conn: &mut PgConnection,
    config: &Config,
    collections: &IndexMap<String, Vec<Row>>,
    vectors: Option<&Path>,
    known: &mut IndexMap<String, Notes>,
) -> Result<Option<related::Read>> {
    notes::become_oneself(conn).await?;
    notes::written(conn, config, collections, known).await?;
    related::read(conn, config, collections, vectors).await
}

impl Snapshot {
    /// A hash over all that was read, but for when rows were made and touched unless pages show it: two databases with
    /// one fingerprint hold the same content.
    pub fn fingerprint(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        for (name, rows) in &self.collections {
            hasher.update(name.as_bytes()).update(&(rows.len() as u64).to_le_bytes());
            for row in rows {
                hasher.update(&row.content);
            }
            if let Some(notes) = self.notes.get(name) {
                notes.tell(&mut hasher);
            }
        }
        for layout in &self.layouts {
            hasher.update(&layout.hash);
        }
        hasher.finalize().into()
    }
}
