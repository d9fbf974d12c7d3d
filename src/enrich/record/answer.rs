//! Answers kept for the next time the same is asked, and what was put into a prompt.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Stop, sent, stop};
use crate::enrich::{CachedAnswer, Context};

// Two tasks of a batch may have asked the same; a statement touches a row only once.
const CACHE: &str = "\
    insert into public.ai_response_cache as c (prompt_hash, response, provider, model, is_private, ttl)
    select distinct on (prompt_hash) prompt_hash, response, provider, model, is_private,
        make_interval(secs => ttl)
    from jsonb_to_recordset($1::jsonb) as x(prompt_hash text, response text, provider text,
        model text, is_private bool, ttl float8)
    order by prompt_hash, is_private
    on conflict (prompt_hash) do update set response = excluded.response,
        provider = excluded.provider, model = excluded.model, is_private = excluded.is_private,
        ttl = excluded.ttl, created_at = now()";
const CONTEXT: &str = "\
    insert into public.agent_context
        (session_id, agent_id, user_query, agent_response, memory_ids)
    values ($1, $2, $3, $4, $5)";

pub async fn cache(
    transaction: &mut PgConnection,
    answers: impl Iterator<Item = &CachedAnswer>,
) -> Result<(), Stop> {
    let rows: Vec<Value> = answers.map(row).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let cache = sqlx::query(CACHE).bind(sent::parameter(&rows)).persistent(false);
    cache.execute(transaction).await.map_err(stop)?;
    Ok(())
}

fn row(answer: &CachedAnswer) -> Value {
    json!({
        "prompt_hash": answer.prompt_hash,
        "response": answer.response,
        "provider": answer.provider,
        "model": answer.model,
        "is_private": answer.is_private,
        "ttl": answer.ttl.as_secs_f64(),
    })
}

pub async fn context(
    transaction: &mut PgConnection,
    context: Option<&Context>,
    run_id: Uuid,
) -> Result<(), Stop> {
    let Some(context) = context else { return Ok(()) };
    let insert = sqlx::query(CONTEXT).bind(run_id).bind(sent::text(&context.agent_id));
    let insert = insert.bind(sent::text(&context.query)).bind(sent::text(&context.response));
    let insert = insert.bind(&context.memory_ids).persistent(false);
    insert.execute(transaction).await.map_err(stop)?;
    Ok(())
}
