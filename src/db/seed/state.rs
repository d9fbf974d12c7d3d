//! What seeding remembers between runs, in `seed_state`: which rows came from which file, the
//! columns the file set, and enough to tell that neither the file nor the row has changed since.

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use sqlx::postgres::PgArguments;
use sqlx::query::QueryAs;
use sqlx::{PgConnection, Postgres};

use super::refusal::failed;
use crate::error::Result;

/// A row of the table as it was left by the last run.
#[derive(Debug, Clone)]
pub(in crate::db) struct Record {
    /// The file it came from, below the content folder.
    pub file: String,
    /// The columns the file set.
    pub fields: Vec<String>,
    /// Of the row as the file said it, and of the file and the table's shape.
    pub hash: String,
    /// The row's version afterwards.
    pub version: String,
}

/// What is written down about a row.
#[derive(Debug, Serialize)]
pub(in crate::db) struct NewRecord<'a> {
    pub key: serde_json::Value,
    pub file: &'a str,
    pub fields: Vec<&'a str>,
    pub hash: String,
    pub version: &'a str,
}

/// Before the hash where a push left columns that the file no longer sets: to mirroring such a row
/// is not done.
const IN_PART: &str = "pushed ";

pub(super) fn in_part(hash: &str) -> String {
    format!("{IN_PART}{hash}")
}

/// What is recorded of a file's row: the row itself, and where it stood in a table of which shape.
pub(super) fn whole_hash(row: &str, rest: &str) -> String {
    format!("{row}-{rest}")
}

/// The hash of the file's row alone; none in records of before the two were told apart.
pub(in crate::db) fn row_hash(hash: &str) -> Option<&str> {
    let whole = hash.strip_prefix(IN_PART).unwrap_or(hash);
    Some(whole.split_once('-')?.0)
}

/// The tables that have recorded rows.
pub(in crate::db) async fn tables(conn: &mut PgConnection) -> Result<Vec<String>> {
    sqlx::query_scalar("select distinct table_name from public.seed_state order by 1")
        .persistent(false)
        .fetch_all(conn)
        .await
        .map_err(|error| failed("reading what was seeded before", error))
}

/// The recorded rows of a table by their keys.
pub(in crate::db) async fn load(
    conn: &mut PgConnection,
    table: &str,
) -> Result<HashMap<String, Record>> {
    let sql = "select key::text, file, fields, hash, version from public.seed_state where table_name = $1";
    read(conn, sqlx::query_as(sql).bind(table)).await
}

/// The recorded rows of a table that have these keys.
pub(super) async fn some(
    conn: &mut PgConnection,
    table: &str,
    keys: &[&str],
) -> Result<HashMap<String, Record>> {
    let sql = "select key::text, file, fields, hash, version from public.seed_state \
               where table_name = $1 and key = any($2::jsonb[])";
    read(conn, sqlx::query_as(sql).bind(table).bind(keys)).await
}

type Recorded = (String, String, Vec<String>, String, String);

async fn read(
    conn: &mut PgConnection,
    query: QueryAs<'_, Postgres, Recorded, PgArguments>,
) -> Result<HashMap<String, Record>> {
    let rows = query.persistent(false).fetch_all(conn).await;
    let rows = rows.map_err(|error| failed("reading what was seeded before", error))?;
    let records = rows
        .into_iter()
        .map(|(key, file, fields, hash, version)| (key, Record { file, fields, hash, version }));
    Ok(records.collect())
}

pub(in crate::db) async fn forget(
    conn: &mut PgConnection,
    table: &str,
    keys: &BTreeSet<String>,
) -> Result<()> {
    let sql = "delete from public.seed_state where table_name = $1 and key = any($2::jsonb[])";
    sqlx::query(sql)
        .persistent(false)
        .bind(table)
        .bind(keys.iter().map(String::as_str).collect::<Vec<_>>())
        .execute(conn)
        .await
        .map_err(|error| failed("forgetting rows that left content", error))?;
    Ok(())
}

pub(in crate::db) async fn record(
    conn: &mut PgConnection,
    table: &str,
    records: &[NewRecord<'_>],
) -> Result<()> {
    let sql = "insert into public.seed_state (table_name, key, file, fields, hash, version) \
               select $1, r.key, r.file, r.fields, r.hash, r.version \
               from jsonb_to_recordset($2::jsonb) \
                 as r(key jsonb, file text, fields text[], hash text, version text) \
               on conflict (table_name, key) do update set file = excluded.file, \
               fields = excluded.fields, hash = excluded.hash, version = excluded.version";
    for records in records.chunks(5_000) {
        sqlx::query(sql)
            .persistent(false)
            .bind(table)
            .bind(sqlx::types::Json(records))
            .execute(&mut *conn)
            .await
            .map_err(|error| failed("recording what was seeded", error))?;
    }
    Ok(())
}
