//! Bulk reads: one query a collection, rows parsed beside the reading, counts verified.

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

use super::{Row, sql};
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
    let rows = stream(conn, sql::rows(collection, &unique), &doing).await?;
    let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql::count(collection)))
        .persistent(false)
        .fetch_one(conn)
        .await
        .map_err(failed)?;
    verify(collection, rows.len(), count)?;
    tracing::debug!(collection = collection.name, rows = rows.len(), "read");
    Ok(rows)
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

async fn stream(conn: &mut PgConnection, query: String, doing: &str) -> Result<Vec<Row>> {
    let mut stream = sqlx::query(AssertSqlSafe(query)).persistent(false).fetch(conn);
    let mut batches = Vec::new();
    let mut batch = Vec::with_capacity(BATCH);
    while let Some(row) = stream.try_next().await.map_err(|error| db::explain(error, doing))? {
        batch.push(row);
        if batch.len() == BATCH {
            let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
            batches.push(tokio::task::spawn_blocking(move || parse(&full)));
        }
    }
    let last = parse(&batch);
    let mut rows = Vec::with_capacity(batches.len() * BATCH + batch.len());
    for task in batches {
        let parsed = task.await.map_err(|error| Error::other(doing).because(error))?;
        rows.extend(parsed.map_err(|error| error.context(doing))?);
    }
    rows.extend(last.map_err(|error| error.context(doing))?);
    Ok(rows)
}

fn parse(batch: &[sqlx::postgres::PgRow]) -> Result<Vec<Row>> {
    batch.iter().map(parse_one).collect()
}

fn parse_one(row: &sqlx::postgres::PgRow) -> Result<Row> {
    let text: &str =
        row.try_get(0).map_err(|error| Error::database("a row is not text").because(error))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Row { fields, hash: blake3::hash(text.as_bytes()).into() }),
        Ok(_) => Err(Error::database("a row is not a JSON object")
            .help("let the query of the collection return named columns")),
        Err(error) => Err(Error::database("a row is not valid JSON").because(error)),
    }
}
