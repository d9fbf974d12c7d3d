//! Putting triggers on tables and taking them off. Each table is a transaction of its own, which gives
//! up soon and tries again: whoever waits behind it for the table is not kept waiting.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::reads::Reads;
use crate::config::Config;
use crate::db::errors::Explain as _;
use crate::error::Result;

/// How often a table that somebody holds is tried, each time for a second.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

const DOING: &str = "looking which tables are watched";

/// Brings the triggers to what the site reads. What is as it should be is not touched.
pub async fn watch(
    connection: &mut PgConnection,
    config: &Config,
    idle: &[&str],
    reads: &Reads,
) -> Result<()> {
    let role = config.database.role.as_str();
    for table in &reads.watched {
        // What is read in another way than by its own name may show any column under another one.
        let (reader, ignored) = if table.by_policy { (Some(role), idle) } else { (None, &[][..]) };
        let doing = format!("putting triggers on {}", table.table);
        patiently(connection, &doing, async |connection| {
            sqlx::query("select frieze.watch(to_regclass($1), $2, $3)")
                .bind(&table.table)
                .bind(reader)
                .bind(ignored)
                .persistent(false)
                .execute(connection)
                .await
        })
        .await?;
    }
    for (name, in_full) in carriers(connection).await? {
        if !reads.watched.iter().any(|table| table.table == in_full) {
            unwatch(connection, &name, &in_full).await?;
        }
    }
    // Names of tables that were renamed, moved or dropped.
    let forget = "delete from frieze.watched_tables
        where frieze.triggers_of(to_regclass(format('%I.%I', schema_name, table_name))) is distinct from 4";
    sqlx::query(forget).persistent(false).execute(connection).await.or_explain(DOING)?;
    Ok(())
}

/// Takes all triggers off; the tables' names.
pub async fn unwatch_all(connection: &mut PgConnection) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (name, in_full) in carriers(connection).await? {
        unwatch(connection, &name, &in_full).await?;
        names.push(name);
    }
    Ok(names)
}

async fn unwatch(connection: &mut PgConnection, name: &str, in_full: &str) -> Result<()> {
    patiently(connection, &format!("taking the triggers off {name}"), async |connection| {
        sqlx::query("select frieze.unwatch(to_regclass($1))")
            .bind(in_full)
            .persistent(false)
            .execute(connection)
            .await
    })
    .await
}

/// The tables that carry triggers: as a person writes them, and in full.
async fn carriers(connection: &mut PgConnection) -> Result<Vec<(String, String)>> {
    let sql = "select n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname)
        from frieze.carriers() as it join pg_catalog.pg_class c on c.oid = it
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace order by 1, 2";
    let rows: Vec<(String, String, String)> =
        sqlx::query_as(sql).persistent(false).fetch_all(connection).await.or_explain(DOING)?;
    let in_full = |schema: &str, name: &str| super::reads::in_full(schema, name);
    Ok(rows.into_iter().map(|(schema, name, short)| (short, in_full(&schema, &name))).collect())
}

/// Does something for which a table must be free.
async fn patiently<T>(
    connection: &mut PgConnection,
    doing: &str,
    work: impl AsyncFn(&mut PgConnection) -> sqlx::Result<T>,
) -> Result<()> {
    let mut tries = 0;
    loop {
        let mut transaction = connection.begin().await.or_explain(doing)?;
        let prepare = sqlx::raw_sql("set local lock_timeout = '1s'");
        prepare.execute(&mut *transaction).await.or_explain(doing)?;
        match work(&mut transaction).await {
            Ok(_) => return transaction.commit().await.or_explain(doing),
            Err(error) if tries + 1 < TRIES && is_held(&error) => {
                transaction.rollback().await.or_explain(doing)?;
                tries += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) => return Err(error).or_explain(doing),
        }
    }
}

/// Whether somebody holds what is wanted, which passes.
fn is_held(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("55P03" | "40P01"))
}
