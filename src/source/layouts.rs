//! Page layouts: each page's highest published version.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{Hash, sql};
use crate::db;
use crate::error::{Error, Result};

/// A layout as stored: which page, which version, and its JSON.
#[derive(Debug, Clone, PartialEq)]
pub struct LayoutRow {
    pub page: String,
    pub version: i32,
    pub json: Value,
    /// RFC 3339, UTC.
    pub updated: Option<String>,
    pub hash: Hash,
}

/// The same as it arrives.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stored {
    page: String,
    version: i32,
    /// The layout as text.
    json: String,
    updated: Option<String>,
}

impl Stored {
    pub fn parse(self) -> Result<LayoutRow> {
        let Self { page, version, json: source, updated } = self;
        let json = serde_json::from_str(&source).map_err(|error| {
            Error::content(format!(
                "the layout of \"{page}\", version {version}, is not valid JSON"
            ))
            .because(error)
        })?;
        let hash = blake3::hash(format!("{page}\0{version}\0{source}").as_bytes()).into();
        Ok(LayoutRow { page, version, json, updated, hash })
    }
}

/// Each page's highest published version.
pub async fn read(conn: &mut PgConnection, table: &str, role: &str) -> Result<Vec<Stored>> {
    select(conn, table, role, "distinct on (page_name collate \"C\")").await
}

/// Every published version, the highest of each page first.
pub async fn all(conn: &mut PgConnection, table: &str, role: &str) -> Result<Vec<Stored>> {
    select(conn, table, role, "").await
}

/// Every version, published or not, the highest of each page first. Not for a site that is built.
pub async fn drafts(conn: &mut PgConnection, table: &str) -> Result<Vec<Stored>> {
    let query = format!(
        "select page_name, version, layout_json::text as source, \
         to_json(updated_at at time zone 'UTC')->>0 as updated \
         from {} order by page_name collate \"C\", version desc",
        sql::quoted(table)
    );
    let failed = |error| db::explain_owner(error, &format!("reading the drafts in \"{table}\""));
    let rows = sqlx::query(AssertSqlSafe(query)).persistent(false).fetch_all(conn).await;
    rows.map_err(failed)?.iter().map(|row| stored(row).map_err(failed)).collect()
}

/// The filter on `is_published` repeats what row-level security already demands of `anon`: a
/// database whose policies were loosened still publishes no draft.
async fn select(
    conn: &mut PgConnection,
    table: &str,
    role: &str,
    which: &str,
) -> Result<Vec<Stored>> {
    let query = format!(
        "select {which} page_name, version, \
         layout_json::text as source, to_json(updated_at)->>0 as updated \
         from {} where is_published order by page_name collate \"C\", version desc",
        sql::quoted(table)
    );
    let rows = sqlx::query(AssertSqlSafe(query)).persistent(false).fetch_all(conn).await;
    let failed =
        |error| db::explain_as(error, &format!("reading the layouts in \"{table}\""), role);
    rows.map_err(failed)?.iter().map(|row| stored(row).map_err(failed)).collect()
}

fn stored(row: &sqlx::postgres::PgRow) -> sqlx::Result<Stored> {
    Ok(Stored {
        page: row.try_get("page_name")?,
        version: row.try_get("version")?,
        json: row.try_get("source")?,
        updated: row.try_get("updated")?,
    })
}
