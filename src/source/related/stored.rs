//! Vectors as the database has them, in `content_embeddings`.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::Vector;
use crate::db::Explain as _;
use crate::error::Result;

/// Tells a vector from another of the same row.
pub type Stamp = Uuid;

/// A vector, but for its numbers.
#[derive(Debug, Clone)]
pub struct Line {
    pub row: Uuid,
    pub model: String,
    pub updated: String,
    version: String,
}

impl Line {
    #[cfg(test)]
    pub fn of(row: Uuid, model: &str, updated: &str) -> Self {
        let (model, updated) = (model.to_owned(), updated.to_owned());
        Self { row, model, updated, version: String::new() }
    }

    pub fn stamp(&self) -> Stamp {
        let mut hasher = blake3::Hasher::new();
        for part in [&self.model, &self.updated, &self.version] {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        let mut stamp = [0; 16];
        hasher.finalize_xof().fill(&mut stamp);
        Uuid::from_bytes(stamp)
    }
}

const DOING: &str = "reading the vectors of content";

/// Rows that are asked for at once.
const ROWS: usize = 512;

/// Whether there are vectors and this user may read them. Row-level security may still hide them.
pub async fn is_readable(conn: &mut PgConnection) -> Result<bool> {
    const READABLE: &str = "select coalesce(has_table_privilege(\
        to_regclass('public.content_embeddings')::oid, 'select'), false)";
    sqlx::query_scalar(READABLE).persistent(false).fetch_one(conn).await.or_explain(DOING)
}

/// Which vectors rows have.
pub async fn lines(conn: &mut PgConnection, collection: &str, ids: &[Uuid]) -> Result<Vec<Line>> {
    const LINES: &str = "\
        select row_id as row, embedding_model as model,
            to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') as updated,
            content_hash || ' ' || xmin::text as version
        from public.content_embeddings where collection = $1 and row_id = any($2)";
    let lines = sqlx::query_as(LINES).bind(collection).bind(ids).persistent(false);
    let lines: Vec<(Uuid, String, String, String)> =
        lines.fetch_all(conn).await.or_explain(DOING)?;
    let line = |(row, model, updated, version)| Line { row, model, updated, version };
    Ok(lines.into_iter().map(line).collect())
}

/// The numbers of some of them, without the zeros that fill them up.
pub async fn vectors(
    conn: &mut PgConnection,
    collection: &str,
    model: &str,
    rows: &HashMap<Uuid, Stamp>,
) -> Result<Vec<Vector>> {
    const VECTORS: &str = "\
        select row_id, embedding::real[] from public.content_embeddings
        where collection = $1 and embedding_model = $2 and row_id = any($3)";
    let ids: Vec<Uuid> = rows.keys().copied().collect();
    let mut vectors = Vec::with_capacity(ids.len());
    for ids in ids.chunks(ROWS) {
        let some = sqlx::query_as(VECTORS).bind(collection).bind(model).bind(ids);
        let some: Vec<(Uuid, Vec<f32>)> =
            some.persistent(false).fetch_all(&mut *conn).await.or_explain(DOING)?;
        vectors.extend(some.into_iter().filter_map(|(id, mut vector)| {
            let end = vector.iter().rposition(|number| *number != 0.0).map_or(0, |last| last + 1);
            vector.truncate(end);
            vector.shrink_to_fit();
            Some((id, *rows.get(&id)?, vector))
        }));
    }
    Ok(vectors)
}
