//! A few rows written at once, told apart from all others by what they say themselves.

use std::collections::HashSet;

use serde_json::Value;
use sqlx::{Connection as _, PgConnection};

use super::catalog::{Catalog, Table};
use super::identity::{self, Known};
use super::read::{Reread, Row};
use super::refusal::failed;
use super::work::{Fate, Work};
use super::{Mode, check, prepare};
use crate::error::Result;

/// Deletes, inserts and updates a file's rows; their keys, and whether anything was noted of models.
/// None where more has to be looked at.
pub(super) async fn write(
    conn: &mut PgConnection,
    catalog: &Catalog,
    reread: &Reread,
    former: &[Row],
    lines: Option<bool>,
) -> Result<Option<(Vec<Value>, bool)>> {
    let rows = reread.rows.as_slice();
    let Some(one) = rows.first().or(former.first()) else { return Ok(None) };
    let table = catalog.table(&reread.table, &one.place())?;
    check::check(table, rows)?;
    let Ok(before) = identity::identify(table, former) else { return Ok(None) };
    let now = identity::identify(table, rows)?;
    // Names that are made from texts depend on the table's other rows.
    let depends = |known: &Known| known.is_by_made_id() && known.row.stem.is_none();
    if before.iter().chain(&now).any(depends) {
        return Ok(None);
    }
    let left: HashSet<String> = now.iter().map(key).collect();
    let gone: Vec<Row> = before
        .iter()
        .filter(|known| !left.contains(&key(known)))
        .map(|known| known.row.clone())
        .collect();
    // A deletion may take rows of other tables with it.
    if !gone.is_empty() && catalog.is_referred_to(table) {
        return Ok(None);
    }
    let mut transaction = conn.begin().await.map_err(|error| failed("seeding", error))?;
    prepare(&mut transaction).await?;
    // Few rows by their keys: a planner that knows nothing of the table might read all of it.
    let plain = "set local enable_hashjoin = off; set local enable_mergejoin = off; \
                 set local enable_seqscan = off";
    let plain = sqlx::raw_sql(plain).execute(&mut *transaction).await;
    plain.map_err(|error| failed("seeding", error))?;
    let mut keys = Vec::new();
    let mut stays = delete(&mut transaction, table, &reread.file, &gone, &mut keys).await?;
    let mut work = Work::new(table, rows, Mode::Mirror)?;
    stays &= work.compare_few(&mut transaction, &reread.file).await?;
    if !stays {
        transaction.rollback().await.map_err(|error| failed("seeding", error))?;
        return Ok(None);
    }
    if let Some(by_id) = lines {
        work.shield_few(&mut transaction, by_id).await?;
    }
    work.write(&mut transaction).await?;
    work.verify(&mut transaction, false).await?;
    let noted = lines.is_some() && work.note(&mut transaction).await?;
    work.record(&mut transaction).await?;
    transaction.commit().await.map_err(|error| failed("seeding", error))?;
    let written = work.rows.iter().filter(|row| row.fate != Fate::Done);
    let written = written.filter_map(|row| row.found.as_ref());
    keys.extend(written.filter_map(|found| serde_json::from_str(&found.key).ok()));
    Ok(Some((keys, noted)))
}

/// Deletes rows that left the file. False where they are not the file's, or others refer to them:
/// a whole sync tells what is to be told.
async fn delete(
    conn: &mut PgConnection,
    table: &Table,
    file: &str,
    gone: &[Row],
    keys: &mut Vec<Value>,
) -> Result<bool> {
    if gone.is_empty() {
        return Ok(true);
    }
    let mut found = Work::new(table, gone, Mode::Mirror)?;
    if !found.compare_few(conn, file).await? {
        return Ok(false);
    }
    let mut work = Work::new(table, &[], Mode::Mirror)?;
    work.recorded = found.recorded;
    keys.extend(work.recorded.keys().filter_map(|key| serde_json::from_str(key).ok()));
    Ok(work.delete_stale(conn).await.is_ok())
}

fn key(known: &Known) -> String {
    Value::Object(known.key()).to_string()
}
