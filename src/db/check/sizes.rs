//! How large the database and the files in its storage are.

use sqlx::PgConnection;

use super::probe;
use crate::error::Result;

const STORED: &str =
    "select coalesce(sum((metadata->>'size')::bigint), 0)::bigint from storage.objects";

/// In bytes; none where the server does not say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    pub database: Option<u64>,
    /// Of Supabase's storage.
    pub storage: Option<u64>,
}

impl Sizes {
    pub async fn ask(conn: &mut PgConnection) -> Result<Self> {
        let database = "select pg_database_size(current_database())";
        Ok(Self { database: number(conn, database).await?, storage: number(conn, STORED).await? })
    }
}

async fn number(conn: &mut PgConnection, sql: &str) -> Result<Option<u64>> {
    let answer = probe::attempt::<i64>(conn, None, sql.to_owned()).await?;
    Ok(answer.ok().flatten().and_then(|bytes| u64::try_from(bytes).ok()))
}
