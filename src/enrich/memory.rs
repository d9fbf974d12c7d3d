//! What was learned: stored with its vector, and found again by nearness. Old memories count for
//! less, and in the end are put away: the score of a memory is its likeness times what time has
//! left of it, half of it every thirty days; a memory that nobody used for half a year, and that is
//! no reflection, is archived and not found any more.

use sqlx::postgres::PgRow;
use sqlx::{FromRow, PgConnection, Row as _};
use uuid::Uuid;

use crate::db;
use crate::error::Result;

/// Days after which a memory counts for half.
const HALF_LIFE: f64 = 30.0;

/// Days without use after which a memory is put away.
const ARCHIVE_AFTER: i32 = 180;

/// The dimensions of all stored vectors: shorter ones are padded with zeros, which changes neither
/// length nor angle.
pub const DIMENSIONS: usize = 1536;

/// A memory that was found.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Found {
    pub id: Uuid,
    pub agent_id: String,
    pub thought_type: String,
    pub content: String,
    /// Cosine of the angle to what was asked.
    pub likeness: f64,
    /// The same, less what time has taken.
    pub score: f64,
}

impl<'r> FromRow<'r, PgRow> for Found {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            agent_id: row.try_get("agent_id")?,
            thought_type: row.try_get("thought_type")?,
            content: row.try_get("content")?,
            likeness: row.try_get("likeness")?,
            score: row.try_get("score")?,
        })
    }
}

/// A vector as pgvector reads it.
pub fn literal(vector: &[f32]) -> String {
    let mut text = String::with_capacity(DIMENSIONS * 8);
    text.push('[');
    for index in 0..DIMENSIONS.max(vector.len()) {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&vector.get(index).copied().unwrap_or(0.0).to_string());
    }
    text.push(']');
    text
}

/// Whether the database has tables for vectors.
pub async fn is_there(conn: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar("select to_regclass('public.agent_memory') is not null")
        .persistent(false)
        .fetch_one(conn)
        .await
        .map_err(|error| db::explain_owner(error, "looking for memories"))
}

/// The memories nearest to a vector that the same model made: of one agent, or of all.
pub async fn nearest(
    conn: &mut PgConnection,
    agent: Option<&str>,
    vector: &[f32],
    model: &str,
    most: usize,
) -> Result<Vec<Found>> {
    // More than are wanted, since time may put them into another order.
    let candidates = i64::try_from(most.saturating_mul(4).max(20)).unwrap_or(20);
    sqlx::query_as(
        "with near as materialized (
             select id, agent_id, thought_type, content, created_at,
                 1 - (embedding <=> $1::vector) as likeness
             from public.agent_memory
             where embedding_model = $2 and ($3::text is null or agent_id = $3)
                 and not metadata ? 'archived_at'
             order by embedding <=> $1::vector limit $4)
         select id, agent_id, thought_type, content, likeness::float8,
             (likeness * power(0.5, extract(epoch from now() - created_at) / 86400 / $5))::float8 as score
         from near order by score desc, id limit $6",
    )
    .bind(literal(vector))
    .bind(model)
    .bind(agent)
    .bind(candidates)
    .bind(HALF_LIFE)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .persistent(false)
    .fetch_all(conn)
    .await
    .map_err(|error| db::explain_owner(error, "looking for memories"))
}

/// Puts away what was not used for long; how many there were.
pub async fn archive(conn: &mut PgConnection) -> Result<u64> {
    let done = sqlx::query(
        "update public.agent_memory m set metadata = metadata || jsonb_build_object('archived_at', now())
         where not metadata ? 'archived_at' and thought_type <> 'reflection'
             and created_at < now() - make_interval(days => $1)
             and not exists (select 1 from public.agent_context c
                 where m.id = any (c.memory_ids) and c.created_at > now() - make_interval(days => $1))",
    )
    .bind(ARCHIVE_AFTER)
    .persistent(false)
    .execute(conn)
    .await
    .map_err(|error| db::explain_owner(error, "putting memories away"))?;
    Ok(done.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_vectors_are_padded() {
        let text = literal(&[0.5, -1.0]);
        assert!(text.starts_with("[0.5,-1,0,0"), "{}", &text[..20]);
        assert_eq!(text.split(',').count(), DIMENSIONS);
    }
}
