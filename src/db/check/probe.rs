//! Trying things without leaving a trace: each in a savepoint that is rolled back.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{AssertSqlSafe, Connection as _, FromRow, PgConnection, Postgres, Transaction};

use crate::db::errors::Explain as _;
use crate::error::Result;

/// How long a check waits for who holds a table.
const PATIENCE: &str = "set local lock_timeout = '5s'";

/// The longest that something tried may take.
const LIMIT: &str = "set local statement_timeout = '60s'";

/// Begins the transaction that a whole check is: nothing in it can change anything.
pub async fn begin(conn: &mut PgConnection) -> Result<Transaction<'_, Postgres>> {
    let doing = "starting the check";
    let begin = conn.begin_with("begin isolation level repeatable read read only").await;
    let mut transaction = begin.or_explain(doing)?;
    sqlx::raw_sql(PATIENCE).execute(&mut *transaction).await.or_explain(doing)?;
    Ok(transaction)
}

/// The first row's first column, if there is a row; the inner error is the server's refusal. As
/// another role, if one is named (as SQL names it).
pub async fn attempt<T>(
    conn: &mut PgConnection,
    role: Option<&str>,
    sql: String,
) -> Result<sqlx::Result<Option<T>>>
where
    (T,): for<'r> FromRow<'r, PgRow> + Send + Unpin,
    T: Send + Unpin,
{
    with(conn, role, sql, PgArguments::default()).await
}

/// The same, with values for `$1`, `$2`, …
pub async fn with<T>(
    conn: &mut PgConnection,
    role: Option<&str>,
    sql: String,
    arguments: PgArguments,
) -> Result<sqlx::Result<Option<T>>>
where
    (T,): for<'r> FromRow<'r, PgRow> + Send + Unpin,
    T: Send + Unpin,
{
    let doing = "trying what may be read";
    let mut savepoint = conn.begin().await.or_explain(doing)?;
    let answer = query(&mut savepoint, role, sql, arguments).await;
    savepoint.rollback().await.or_explain(doing)?;
    Ok(answer)
}

async fn query<T>(
    conn: &mut PgConnection,
    role: Option<&str>,
    sql: String,
    arguments: PgArguments,
) -> sqlx::Result<Option<T>>
where
    (T,): for<'r> FromRow<'r, PgRow> + Send + Unpin,
    T: Send + Unpin,
{
    let role = role.map_or_else(String::new, |role| format!("; set local role {role}"));
    sqlx::raw_sql(AssertSqlSafe(format!("{LIMIT}{role}"))).execute(&mut *conn).await?;
    let query = sqlx::query_scalar_with(AssertSqlSafe(sql), arguments);
    query.persistent(false).fetch_optional(conn).await
}

/// Whether the connecting user may act as this role.
pub async fn can_become(conn: &mut PgConnection, role: &str) -> Result<bool> {
    Ok(attempt::<i32>(conn, Some(role), "select 1".to_owned()).await?.is_ok())
}
