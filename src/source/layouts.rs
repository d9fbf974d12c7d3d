//! Page layouts: each page's highest published version.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{Hash, sql};
use crate::db;
use crate::error::Result;

/// A layout as stored: which page, which version, and its JSON.
#[derive(Debug, Clone)]
pub struct LayoutRow {
    pub page: String,
    pub version: i32,
    pub json: Value,
    /// RFC 3339, UTC.
    pub updated: Option<String>,
    pub hash: Hash,
}

/// Each page's highest published version.
pub async fn read(conn: &mut PgConnection, table: &str) -> Result<Vec<LayoutRow>> {
    select(conn, table, "distinct on (page_name collate \"C\")").await
}

/// Every published version, the highest of each page first.
pub async fn all(conn: &mut PgConnection, table: &str) -> Result<Vec<LayoutRow>> {
    select(conn, table, "").await
}

/// The filter on `is_published` repeats what row-level security already demands of `anon`: a
/// database whose policies were loosened still publishes no draft.
async fn select(conn: &mut PgConnection, table: &str, which: &str) -> Result<Vec<LayoutRow>> {
    let query = format!(
        "select {which} page_name, version, layout_json, \
         layout_json::text as source, to_json(updated_at)->>0 as updated \
         from {} where is_published order by page_name collate \"C\", version desc",
        sql::quoted(table)
    );
    let rows = sqlx::query(AssertSqlSafe(query)).persistent(false).fetch_all(conn).await;
    let failed = |error| db::explain(error, &format!("reading the layouts in \"{table}\""));
    rows.map_err(failed)?.iter().map(|row| layout(row).map_err(failed)).collect()
}

fn layout(row: &sqlx::postgres::PgRow) -> sqlx::Result<LayoutRow> {
    let (page, version): (String, i32) = (row.try_get("page_name")?, row.try_get("version")?);
    let source: &str = row.try_get("source")?;
    let hash = blake3::hash(format!("{page}\0{version}\0{source}").as_bytes()).into();
    let (json, updated) = (row.try_get("layout_json")?, row.try_get("updated")?);
    Ok(LayoutRow { page, version, json, updated, hash })
}
