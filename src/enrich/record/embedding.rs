//! Vectors: the embeddings of content, and memories. Their tables are only where pgvector is.

use std::sync::Once;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use super::{Done, Stop, sent, stop};
use crate::enrich::{FailureKind, NewMemory, Write};

/// Of every model: a shorter vector is padded with zeros, which changes no comparison.
const DIMENSIONS: usize = 1536;

// The column's own type reads the vector, wherever its extension lives.
const EMBED: &str = "\
    insert into public.content_embeddings as c
        (collection, row_id, content_hash, embedding, embedding_model)
    select r.collection, r.row_id, r.content_hash, r.embedding, r.embedding_model
    from jsonb_populate_record(null::public.content_embeddings, $1::jsonb) as r
    on conflict (collection, row_id, embedding_model) do update
    set content_hash = excluded.content_hash, embedding = excluded.embedding";
const REMEMBER: &str = "\
    insert into public.agent_memory
        (agent_id, thought_type, content, embedding, embedding_model, metadata)
    select r.agent_id, r.thought_type, r.content, r.embedding, r.embedding_model, r.metadata
    from jsonb_populate_recordset(null::public.agent_memory, $1::jsonb) as r";

pub(super) async fn write(transaction: &mut PgConnection, write: &Write) -> Result<Done, Stop> {
    let Write::Embedding { collection, row_id, content_hash, vector, model } = write else {
        return Ok(Done::Nothing);
    };
    let row = json!({
        "collection": collection,
        "row_id": row_id,
        "content_hash": content_hash,
        "embedding": padded(vector)?,
        "embedding_model": model,
    });
    if !has(transaction, "public.content_embeddings").await? {
        let why = "there is no table content_embeddings: install pgvector on the server, then run frieze db migrate";
        return Err(Stop::Refused(FailureKind::Final, why.to_owned()));
    }
    let embed = sqlx::query(EMBED).bind(sent::parameter(&row)).persistent(false);
    embed.execute(transaction).await.map_err(stop)?;
    Ok(Done::Written)
}

/// Keeps memories, where there is room for them: a task is done without them too.
pub(super) async fn remember(
    transaction: &mut PgConnection,
    memories: &[NewMemory],
) -> Result<(), Stop> {
    if memories.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = memories.iter().filter_map(keepable).collect();
    if rows.is_empty() {
        return Ok(());
    }
    if !has(transaction, "public.agent_memory").await? {
        tracing::debug!("there is no table agent_memory: nothing is remembered");
        return Ok(());
    }
    // What the database does not take of it is undone alone.
    let mut savepoint = transaction.begin().await.map_err(stop)?;
    let remember = sqlx::query(REMEMBER).bind(sent::parameter(&rows)).persistent(false);
    match remember.execute(&mut *savepoint).await.map_err(stop) {
        Ok(_) => savepoint.commit().await.map_err(stop),
        Err(Stop::Refused(_, why)) => {
            forgotten(&why);
            savepoint.rollback().await.map_err(stop)
        }
        Err(other) => Err(other),
    }
}

/// A memory as it is stored; none where its vector cannot be kept.
fn keepable(it: &NewMemory) -> Option<Value> {
    match memory(it) {
        Ok(row) => Some(row),
        Err(Stop::Refused(_, why)) => {
            forgotten(&why);
            None
        }
        Err(_) => None,
    }
}

/// Says so once.
fn forgotten(why: &str) {
    static SAID: Once = Once::new();
    SAID.call_once(|| tracing::warn!("memories are not kept: {why}"));
}

fn memory(memory: &NewMemory) -> Result<Value, Stop> {
    // A memory without a vector is only ever found by its age.
    let is_plain = memory.vector.is_empty();
    let metadata = if memory.metadata.is_null() { json!({}) } else { memory.metadata.clone() };
    Ok(json!({
        "agent_id": memory.agent_id,
        "thought_type": memory.thought_type,
        "content": memory.content,
        "embedding": if is_plain { None } else { Some(padded(&memory.vector)?) },
        "embedding_model": if is_plain { None } else { Some(&memory.embedding_model) },
        "metadata": metadata,
    }))
}

async fn has(transaction: &mut PgConnection, table: &str) -> Result<bool, Stop> {
    let has = sqlx::query_scalar("select to_regclass($1) is not null").bind(table);
    has.persistent(false).fetch_one(transaction).await.map_err(stop)
}

/// A vector as pgvector reads it.
fn padded(vector: &[f32]) -> Result<String, Stop> {
    use std::fmt::Write as _;
    let refused = |why: String| Err(Stop::Refused(FailureKind::Retry, why));
    if vector.len() > DIMENSIONS {
        let len = vector.len();
        let why = format!("the embedding has {len} dimensions, and {DIMENSIONS} is the most");
        return Err(Stop::Refused(FailureKind::Final, why));
    }
    if vector.iter().any(|number| !number.is_finite()) {
        return refused("the embedding has a number that is none".to_owned());
    }
    if vector.iter().all(|number| *number == 0.0) {
        return refused("the embedding is zero: it has no direction to compare".to_owned());
    }
    let mut text = String::from("[");
    for number in vector {
        let _ = write!(text, "{number},");
    }
    text.push_str(&"0,".repeat(DIMENSIONS - vector.len()));
    text.pop();
    text.push(']');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_is_padded() {
        let text = padded(&[0.5, -1.0]).unwrap();
        assert!(text.starts_with("[0.5,-1,0,0,"), "{text}");
        assert_eq!(text.matches(',').count(), DIMENSIONS - 1);
        let full = padded(&[1.0; DIMENSIONS]).unwrap();
        assert!(full.ends_with(",1]"), "{full}");
    }

    #[test]
    fn what_has_no_direction_is_refused() {
        for (vector, why) in [
            (vec![0.0; 3], "is zero"),
            (vec![], "is zero"),
            (vec![1.0, f32::NAN], "is none"),
            (vec![f32::INFINITY], "is none"),
            (vec![1.0; DIMENSIONS + 1], "1537 dimensions"),
        ] {
            let Err(Stop::Refused(kind, said)) = padded(&vector) else {
                panic!("{vector:?} is taken")
            };
            assert!(said.contains(why), "{said}");
            // The next vector of that model is as long.
            assert_eq!(kind == FailureKind::Final, vector.len() > DIMENSIONS);
        }
    }
}
