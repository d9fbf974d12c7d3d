//! What was learned: stored with its vector, and found again by nearness. frieze is one agent: a
//! task is reminded of what tasks of its own type observed, and of every lesson (`reflection`).
//! Old memories count for less, and in the end are put away: the score of a memory is its likeness
//! times what time has left of it, half of it every thirty days; a memory that nobody used for half
//! a year, and that is no lesson, is archived and not found any more.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::db::{self, Explain as _};
use crate::error::{Error, Result};

/// Days after which a memory counts for half.
const HALF_LIFE: f64 = 30.0;

/// Days without use after which a memory is put away.
const ARCHIVE_AFTER: i32 = 180;

/// The dimensions of all stored vectors: shorter ones are padded with zeros, which changes neither
/// length nor angle.
pub const DIMENSIONS: usize = 1536;

const LOOKING: &str = "looking for memories";

/// What lessons are called among the types of thoughts.
pub const LESSON: &str = "reflection";

/// A memory that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    pub id: Uuid,
    /// The type of the task that left it.
    pub agent_id: String,
    pub thought_type: String,
    pub content: String,
    /// The model of its vector, where it has one.
    pub embedding_model: Option<String>,
    pub is_private: bool,
    pub created_at: DateTime<Utc>,
    pub archived_at: Option<DateTime<Utc>>,
    /// Cosine of the angle to what was asked.
    pub likeness: Option<f64>,
    /// The same, less what time has taken.
    pub score: Option<f64>,
}

/// Which memories are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Those that a task of this type is reminded of: its own, and every lesson.
    pub agent: Option<&'a str>,
    /// Only those that tasks of these types left; all where none is named.
    pub types: &'a [String],
    /// Those of private tasks too.
    pub with_private: bool,
    pub most: usize,
}

/// What the columns of [`Found`] are called.
const COLUMNS: &str = "id, agent_id, thought_type, content, embedding_model, created_at,
    metadata @> '{\"private\": true}' as is_private, metadata->'archived_at' as archived_at";

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
    let look = sqlx::query_scalar("select to_regclass('public.agent_memory') is not null");
    db::alone!(conn, look.persistent(false), fetch_one)
        .map_err(|error| db::explain_owner(error, "looking for memories"))
}

/// The memories nearest to a vector that the same model made. All that are wanted are compared: an
/// index that only looks near by would miss those that are few among many others.
pub async fn nearest(
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
    vector: &[f32],
    model: &str,
) -> Result<Vec<Found>> {
    let mut transaction = conn.begin().await.or_explain(LOOKING)?;
    let Some(distance) = distance(&mut transaction).await? else { return Ok(Vec::new()) };
    let sql = format!(
        "with asked as materialized (
             select (jsonb_populate_record(null::public.agent_memory,
                 jsonb_build_object('embedding', $1::text))).embedding as vector),
         wanted as materialized (
             select {COLUMNS}, (1 - (embedding {distance} (select vector from asked)))::float8 as likeness,
                 power(0.5, greatest(extract(epoch from now() - created_at), 0) / 86400 / $2::float8)
                     as left_of_it
             from public.agent_memory
             where embedding_model = $3 and not metadata ? 'archived_at'
                 and ($4::text is null or agent_id = $4 or thought_type = '{LESSON}')
                 and (cardinality($5::text[]) = 0 or agent_id = any ($5))
                 and ($6 or not metadata @> '{{\"private\": true}}'))
         select to_jsonb(f) from (
             select *, likeness * left_of_it as score from wanted where likeness > 0
             order by score desc, id limit $7) as f
         order by f.score desc, f.id"
    );
    let select = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(literal(vector))
        .bind(HALF_LIFE)
        .bind(model)
        .bind(wanted.agent)
        .bind(wanted.types)
        .bind(wanted.with_private)
        .bind(i64::try_from(wanted.most).unwrap_or(i64::MAX))
        .persistent(false);
    let rows: Vec<Value> = select
        .fetch_all(&mut *transaction)
        .await
        .map_err(|error| db::explain_owner(error, LOOKING))?;
    transaction.commit().await.or_explain(LOOKING)?;
    found(rows)
}

/// The operator for the distance of two vectors, by its whole name: it lives where pgvector does,
/// which need not be where names are looked up.
async fn distance(transaction: &mut PgConnection) -> Result<Option<String>> {
    const WHERE: &str = "\
        select format('operator(%I.<=>)', n.nspname)
        from pg_attribute as a
        join pg_operator as o
            on o.oprname = '<=>' and o.oprleft = a.atttypid and o.oprright = a.atttypid
        join pg_namespace as n on n.oid = o.oprnamespace
        where a.attrelid = to_regclass('public.agent_memory') and a.attname = 'embedding' limit 1";
    let distance = sqlx::query_scalar(WHERE).persistent(false);
    let distance: Option<String> =
        distance.fetch_optional(transaction).await.or_explain(LOOKING)?;
    Ok(distance)
}

fn found(rows: Vec<Value>) -> Result<Vec<Found>> {
    let rows = rows.into_iter().map(serde_json::from_value).collect::<Result<_, _>>();
    rows.map_err(|error| Error::database("a memory cannot be read").because(error))
}

/// The last ones, archived ones too.
pub async fn list(conn: &mut PgConnection, types: &[String], most: usize) -> Result<Vec<Found>> {
    let sql = format!(
        "select to_jsonb(f) from (select {COLUMNS} from public.agent_memory
             where cardinality($1::text[]) = 0 or agent_id = any ($1)
             order by created_at desc, id limit $2) as f
         order by f.created_at desc, f.id"
    );
    let select = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(types)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .persistent(false);
    let rows: Vec<Value> = db::alone!(conn, select, fetch_all)
        .map_err(|error| db::explain_owner(error, "reading memories"))?;
    found(rows)
}

/// The models of the vectors that are not archived.
pub async fn models(conn: &mut PgConnection) -> Result<Vec<String>> {
    let select = sqlx::query_scalar(
        "select distinct embedding_model from public.agent_memory
         where embedding_model is not null and not metadata ? 'archived_at' order by 1",
    )
    .persistent(false);
    db::alone!(conn, select, fetch_all)
        .map_err(|error| db::explain_owner(error, "reading memories"))
}

/// Deletes the one memory whose id begins so: what it was.
pub async fn forget(conn: &mut PgConnection, id: &str) -> Result<Uuid> {
    let begins = id.trim().to_ascii_lowercase();
    let is_one = begins.len() >= 8 && begins.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    if !is_one {
        return Err(Error::content(format!("\"{id}\" is no memory's id"))
            .help("write the id, or at least its first 8 characters"));
    }
    let delete = sqlx::query_scalar(
        "delete from public.agent_memory where starts_with(id::text, $1)
             and 1 = (select count(*) from public.agent_memory where starts_with(id::text, $1))
         returning id",
    )
    .bind(&begins)
    .persistent(false);
    let ids: Vec<Uuid> = db::alone!(conn, delete, fetch_all)
        .map_err(|error| db::explain_owner(error, "forgetting a memory"))?;
    ids.first().copied().ok_or_else(|| {
        Error::content(format!("there is not one memory whose id begins with {begins}"))
            .help("`frieze memory list` shows the memories and their ids")
    })
}

/// Puts away what was not used for long; how many there were.
pub async fn archive(conn: &mut PgConnection) -> Result<u64> {
    let update = sqlx::query(
        "update public.agent_memory m set metadata = metadata || jsonb_build_object('archived_at', now())
         where not metadata ? 'archived_at' and thought_type <> $2
             and created_at < now() - make_interval(days => $1)
             and not exists (
                 select from (select distinct unnest(memory_ids) as id from public.agent_context
                     where created_at > now() - make_interval(days => $1)) as used
                 where used.id = m.id)",
    )
    .bind(ARCHIVE_AFTER)
    .bind(LESSON)
    .persistent(false);
    let done = db::alone!(conn, update, execute)
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
