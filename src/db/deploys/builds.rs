//! What builds that go live say of themselves, in `site_builds`.

use std::time::Duration;

use sqlx::PgConnection;
use uuid::Uuid;

use super::marks::{self, Seen};
use crate::db::errors::Explain as _;
use crate::error::Result;

const DOING: &str = "recording the build";

/// A build that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build(Uuid);

/// How it went.
#[derive(Debug, Clone)]
pub enum Outcome {
    Succeeded { fingerprint: String, pages: usize, bytes: u64, seen: Option<Seen> },
    Failed { error: String },
}

/// Records that a build begins, where there is a table for that and this login may write to it.
pub async fn begin(connection: &mut PgConnection) -> Result<Option<Build>> {
    let may = "select coalesce(bool_and(has_table_privilege(to_regclass('public.site_builds'), it)), false)
        from unnest(array['select', 'insert', 'update']) as it";
    let may: bool = sqlx::query_scalar(may)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(DOING)?;
    if !may {
        return Ok(None);
    }
    let insert =
        "insert into public.site_builds (started_at) values (clock_timestamp()) returning id";
    let id = sqlx::query_scalar(insert).persistent(false).fetch_one(connection).await;
    id.map(|id| Some(Build(id))).or_explain(DOING)
}

/// Records how a build ended. What it read counts as deployed if it succeeded.
pub async fn finish(
    connection: &mut PgConnection,
    build: Build,
    took: Duration,
    outcome: &Outcome,
) -> Result<()> {
    let (status, error) = match outcome {
        Outcome::Succeeded { .. } => ("succeeded", None),
        Outcome::Failed { error } => ("failed", Some(error.as_str())),
    };
    let (fingerprint, pages, bytes) = match outcome {
        Outcome::Succeeded { fingerprint, pages, bytes, .. } => (
            Some(fingerprint.as_str()),
            Some(i32::try_from(*pages).unwrap_or(i32::MAX)),
            Some(i64::try_from(*bytes).unwrap_or(i64::MAX)),
        ),
        Outcome::Failed { .. } => (None, None, None),
    };
    let update = sqlx::query(
        "update public.site_builds set finished_at = clock_timestamp(), status = $2, error = $3,
         content_fingerprint = $4, pages = $5, bytes = $6, duration_ms = $7 where id = $1",
    );
    let update = update.bind(build.0).bind(status).bind(error).bind(fingerprint).bind(pages);
    let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
    let update = update.bind(bytes).bind(took).persistent(false);
    update.execute(&mut *connection).await.or_explain(DOING)?;
    if let Outcome::Succeeded { seen: Some(seen), .. } = outcome {
        let gone = marks::consume(connection, seen).await?;
        tracing::info!(marks = gone, "changes are deployed");
    }
    Ok(())
}
