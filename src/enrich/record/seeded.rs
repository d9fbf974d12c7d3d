//! A row that nobody but models has touched since it was seeded is still as it was seeded: without
//! this, the next seed would take it for one that people edited, and leave it alone.

use serde_json::Value;
use sqlx::PgConnection;

use super::table::{Table, safe};
use super::{Stop, sent, stop};

/// `version` is the row's before a model wrote.
pub(in crate::enrich) async fn still(
    transaction: &mut PgConnection,
    table: &Table,
    key: &Value,
    version: &str,
) -> Result<(), Stop> {
    let columns: Vec<&String> = key.as_object().into_iter().flat_map(|key| key.keys()).collect();
    if columns.is_empty() {
        return Ok(());
    }
    let sql = format!(
        "update public.seed_state as s set version = t.xmin::text
        from {table} as t, jsonb_populate_record(null::{table}, $1::jsonb) as k
        where {same} and s.table_name = $2 and s.key = $1::jsonb and s.version = $3",
        table = table.sql,
        same = Table::same(&columns),
    );
    let still = sqlx::query(safe(sql)).bind(sent::parameter(key)).bind(&table.name).bind(version);
    still.persistent(false).execute(transaction).await.map_err(stop)?;
    Ok(())
}
