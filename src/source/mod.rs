//! The source: one consistent snapshot of content and published layouts, read as the public sees
//! them. What `anon` may not read cannot reach any later stage.

mod layouts;
mod read;
mod sql;
mod trial;

use indexmap::IndexMap;
use serde_json::{Map, Value};
use sqlx::{Connection, PgConnection};

pub use layouts::LayoutRow;
pub use trial::{Trial, attempt};

use crate::config::Config;
use crate::db;
use crate::error::Result;

/// A content hash: BLAKE3 of a row's JSON text.
pub type Hash = [u8; 32];

/// Everything a build reads from the database.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Rows by collection, in the collection's order.
    pub collections: IndexMap<String, Vec<Row>>,
    /// The highest published version of each page's layout, by page name.
    pub layouts: Vec<LayoutRow>,
}

/// One row: its columns as JSON, and hashes of the text they came as.
#[derive(Debug, Clone, Default)]
pub struct Row {
    pub fields: Map<String, Value>,
    /// Of all columns.
    pub hash: Hash,
    /// Of all but those that say when the row was made and touched.
    pub content: Hash,
}

impl Row {
    /// A column's text, if it is there and is text.
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

/// Reads the whole site in one `REPEATABLE READ READ ONLY` transaction under the reading role.
pub async fn read(conn: &mut PgConnection, config: &Config) -> Result<Snapshot> {
    let failed = |doing| move |error| db::explain(error, doing);
    let mut transaction = conn
        .begin_with("begin isolation level repeatable read read only")
        .await
        .map_err(failed("starting to read"))?;
    read::become_role(&mut transaction, &config.database.role).await?;
    let mut snapshot = Snapshot::default();
    for collection in config.collections.values() {
        let rows = read::collection(&mut transaction, collection).await?;
        snapshot.collections.insert(collection.name.clone(), rows);
    }
    if let Some(table) = &config.layouts {
        snapshot.layouts = layouts::read(&mut transaction, table).await?;
    }
    transaction.rollback().await.map_err(failed("finishing to read"))?;
    Ok(snapshot)
}

impl Snapshot {
    /// A hash over all that was read, but for when rows were made and touched: two databases with
    /// one fingerprint hold the same content.
    pub fn fingerprint(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        for (name, rows) in &self.collections {
            hasher.update(name.as_bytes()).update(&(rows.len() as u64).to_le_bytes());
            for row in rows {
                hasher.update(&row.content);
            }
        }
        for layout in &self.layouts {
            hasher.update(&layout.hash);
        }
        hasher.finalize().into()
    }
}
