//! Bulk reads: one query a collection, rows parsed beside the reading, counts verified.

use std::sync::Arc;

use blake3::Hasher;
use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Column as _, PgConnection, Row as _, TypeInfo as _};

use super::sql::Column;
use super::{Hash, Row, sql};
use crate::config::{Collection, From};
use crate::db;
use crate::error::{Error, Result};

/// How many rows are parsed in one go, off the reading thread.
const BATCH: usize = 256;

/// Takes on the reading role for the rest of the transaction, with settings that make a value's
/// text the same on every server.
pub async fn become_role(conn: &mut PgConnection, role: &str) -> Result<()> {
    let settings = format!(
        "set local role {}; set local timezone = 'UTC'; set local datestyle = 'ISO'; \
         set local intervalstyle = 'iso_8601'; set local extra_float_digits = 1; \
         set local bytea_output = 'hex'",
        sql::quoted(role)
    );
    sqlx::raw_sql(AssertSqlSafe(settings)).execute(conn).await.map_err(|error| {
        db::explain(error, &format!("becoming the role \"{role}\", as which content is read"))
            .help(format!("run `frieze db migrate`, which creates the role, or let the connecting user take it: grant {role} to current_user"))
    })?;
    Ok(())
}

/// Reads a whole collection; fails when fewer rows arrive than the server counts.
pub async fn collection(conn: &mut PgConnection, collection: &Collection) -> Result<Vec<Row>> {
    let doing = format!("reading the collection \"{}\"", collection.name);
    let failed = |error| db::explain(error, &doing);
    let unique = match &collection.from {
        From::Table(table) => sqlx::query_scalar(sql::PRIMARY_KEY)
            .bind(sql::quoted(table))
            .fetch_all(&mut *conn)
            .await
            .map_err(failed)?,
        From::Query(_) => Vec::new(),
    };
    let columns: Arc<[Column]> = columns(conn, collection).await.map_err(failed)?.into();
    // Without a row there is no column to read, but the order is still held against the table.
    let rows = stream(conn, sql::rows(collection, &columns, &unique), &columns, &doing).await?;
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql::count(collection)))
        .persistent(false)
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    verify(collection, rows.len(), count)?;
    tracing::debug!(collection = collection.name, rows = rows.len(), "read");
    Ok(rows)
}

/// The columns of a collection; none where it has no row.
async fn columns(conn: &mut PgConnection, collection: &Collection) -> sqlx::Result<Vec<Column>> {
    let query = sqlx::query(AssertSqlSafe(sql::sample(collection))).persistent(false);
    let row = query.fetch_optional(conn).await?;
    let columns = row.iter().flat_map(PgRow::columns);
    let columns = columns.map(|column| Column {
        name: column.name().to_owned(),
        is_text: matches!(column.type_info().name(), "TEXT" | "VARCHAR" | "CHAR" | "NAME"),
    });
    Ok(columns.collect())
}

fn verify(collection: &Collection, read: usize, counted: i64) -> Result<()> {
    if i64::try_from(read).is_ok_and(|read| read == counted) {
        return Ok(());
    }
    Err(Error::database(format!(
        "the collection \"{}\" gave {read} rows, but the database counts {counted}",
        collection.name
    ))
    .help("the read is incomplete, so nothing was published: run the build again"))
}

async fn stream(
    conn: &mut PgConnection,
    query: String,
    columns: &Arc<[Column]>,
    doing: &str,
) -> Result<Vec<Row>> {
    let mut stream = sqlx::query(AssertSqlSafe(query)).persistent(false).fetch(conn);
    let mut batches = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(row) = stream.try_next().await.map_err(|error| db::explain(error, doing))? {
        batch.push(row);
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            let columns = columns.clone();
            batches.push(tokio::task::spawn_blocking(move || parse(&full, &columns)));
        }
    }
    let last = parse(&batch, columns);
    let mut rows = Vec::with_capacity(batches.len() * BATCH + batch.len());
    for task in batches {
        let parsed = task.await.map_err(|error| Error::other(doing).because(error))?;
        rows.extend(parsed.map_err(|error| error.context(doing))?);
    }
    rows.extend(last.map_err(|error| error.context(doing))?);
    Ok(rows)
}

fn parse(batch: &[PgRow], columns: &[Column]) -> Result<Vec<Row>> {
    batch.iter().map(|row| parse_one(row, columns)).collect()
}

fn parse_one(row: &PgRow, columns: &[Column]) -> Result<Row> {
    let mut fields = Map::with_capacity(columns.len());
    let (mut content, mut bookkeeping) = (Hasher::new(), Hasher::new());
    for (index, column) in columns.iter().enumerate() {
        let text: Option<&str> = row.try_get(index).map_err(|error| {
            Error::database(format!("the column \"{}\" is not text", column.name)).because(error)
        })?;
        let hasher = if is_bookkeeping(&column.name) { &mut bookkeeping } else { &mut content };
        hasher.update(column.name.as_bytes());
        hasher.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hasher.update(text.unwrap_or_default().as_bytes());
        fields.insert(column.name.clone(), value(text, column)?);
    }
    let content: Hash = content.finalize().into();
    let hash = bookkeeping.update(&content).finalize().into();
    Ok(Row { fields, hash, content })
}

/// Columns that say when a row was made and touched, and nothing about what it says.
fn is_bookkeeping(column: &str) -> bool {
    matches!(column, "created_at" | "updated_at")
}

fn value(text: Option<&str>, column: &Column) -> Result<Value> {
    match text {
        None => Ok(Value::Null),
        Some(text) if column.is_text => Ok(Value::String(text.to_owned())),
        Some(text) => serde_json::from_str(text).map_err(|error| {
            Error::database(format!("the column \"{}\" is not valid JSON", column.name))
                .because(error)
        }),
    }
}
