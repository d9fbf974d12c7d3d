//! The extensions that the job stands on: `pg_cron` runs it, `pg_net` calls the deploy hook.

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::db::errors::Explain as _;
use crate::error::Result;

const DOING: &str = "looking for pg_cron and pg_net";

/// What became of one.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct Extension {
    pub name: &'static str,
    pub is_ready: bool,
    /// Why not.
    pub why: Option<String>,
}

/// Looks what is there and, where `create` says so, creates what the server offers.
pub async fn extensions(connection: &mut PgConnection, create: bool) -> Result<[Extension; 2]> {
    let cron = one(connection, "pg_cron", "cron.schedule(text,text,text)", create).await?;
    let net =
        one(connection, "pg_net", "net.http_post(text,jsonb,jsonb,jsonb,integer)", create).await?;
    Ok([cron, net])
}

/// It counts as there if what it is wanted for is there.
async fn one(
    connection: &mut PgConnection,
    name: &'static str,
    function: &str,
    create: bool,
) -> Result<Extension> {
    let ready = Extension { name, is_ready: true, why: None };
    if is_there(connection, function).await? {
        return Ok(ready);
    }
    let sql = "select exists (select from pg_available_extensions where name = $1)";
    let offered: bool = sqlx::query_scalar(sql)
        .bind(name)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(DOING)?;
    if !offered {
        return Ok(Extension {
            why: Some("this server does not have it".to_owned()),
            is_ready: false,
            name,
        });
    }
    if !create {
        return Ok(Extension {
            why: Some("it is not switched on".to_owned()),
            is_ready: false,
            name,
        });
    }
    let mut attempt = connection.begin().await.or_explain(DOING)?;
    let sql = AssertSqlSafe(format!("create extension if not exists {name}"));
    let why = match sqlx::raw_sql(sql).execute(&mut *attempt).await {
        Ok(_) => {
            attempt.commit().await.or_explain(DOING)?;
            None
        }
        Err(sqlx::Error::Database(answer)) => {
            attempt.rollback().await.or_explain(DOING)?;
            Some(format!("it could not be switched on: {}", answer.message()))
        }
        Err(error) => return Err(error).or_explain(DOING),
    };
    if why.is_none() && is_there(connection, function).await? {
        return Ok(ready);
    }
    let why = why.unwrap_or_else(|| format!("it has no function {function}"));
    Ok(Extension { name, is_ready: false, why: Some(why) })
}

async fn is_there(connection: &mut PgConnection, function: &str) -> Result<bool> {
    // One that this login may not use is as good as missing; to look into it would be an error.
    let sql =
        "select case when has_schema_privilege(to_regnamespace(split_part($1, '.', 1)), 'usage')
        then to_regprocedure($1) is not null else false end";
    let there = sqlx::query_scalar(sql).bind(function);
    there.persistent(false).fetch_one(connection).await.or_explain(DOING)
}
