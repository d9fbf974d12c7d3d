//! Asking a database whether anything changed: what tells one state of its rows from the next.

use indexmap::IndexMap;
use sqlx::PgConnection;

use super::rows::Keeper;
use crate::config::{Collection, Config, From};
use crate::db::seed::Touched;
use crate::error::Result;
use crate::source::Stamp;
use crate::source::some::{self, Reader};
use crate::theme;

/// The names that layouts, and what stands beside the rows, go by among collections, which none of
/// those has.
const LAYOUTS: &str = "";
const VECTORS: &str = " content_embeddings";
const WRITTEN: &str = " enrichments";

impl Keeper {
    /// Compares every collection with what was there the last time: tables that changed.
    pub async fn poll(&mut self, config: &Config) -> Result<Touched> {
        let drafts = self.drafts;
        let touched = self.touched.clone();
        let connection = self.connection().await?;
        let seen = match prints(connection, config, &touched, drafts).await {
            Ok(seen) => seen,
            Err(error) => {
                self.connection = None;
                return Err(error);
            }
        };
        let differs = |name: &str| self.prints.get(name) != seen.get(name);
        let collections = config.collections.values().filter(|it| differs(&it.name));
        let mut tables: Vec<String> = collections.map(table_of).collect();
        tables.extend(config.layouts.clone().filter(|_| differs(LAYOUTS)));
        let beside = [VECTORS, WRITTEN].into_iter().filter(|name| differs(name));
        tables.extend(beside.map(|name| name.trim().to_owned()));
        self.prints = seen;
        Ok(Touched { tables, ..Touched::default() })
    }
}

/// What tells each collection's rows from others, in one transaction.
pub(super) async fn prints(
    connection: &mut PgConnection,
    config: &Config,
    touched: &theme::Touched,
    drafts: bool,
) -> Result<IndexMap<String, String>> {
    let mut reader = Reader::begin(connection, config, touched).await?;
    let mut prints = IndexMap::new();
    for (name, collection) in &config.collections {
        prints.insert(name.clone(), reader.print(collection).await?);
    }
    let mut layouts = reader.layouts().await?;
    reader.end().await?;
    if drafts {
        layouts.extend(some::drafts(connection, config).await?);
    }
    let layouts: Vec<_> = layouts.iter().map(|layout| (&layout.hash, &layout.updated)).collect();
    prints.insert(LAYOUTS.to_owned(), format!("{layouts:?}"));
    let Stamp { vectors, written, .. } = Stamp::read(connection, config).await?;
    for (name, print) in [(VECTORS, vectors), (WRITTEN, written)] {
        prints.extend(print.map(|print| (name.to_owned(), print)));
    }
    Ok(prints)
}

fn table_of(collection: &Collection) -> String {
    match &collection.from {
        From::Table(table) => table.clone(),
        From::Query { .. } => String::new(),
    }
}
