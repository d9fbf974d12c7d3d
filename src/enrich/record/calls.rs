//! The log of calls: a row for each, also for those that failed.

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::{Stop, sent, stop};
use crate::enrich::{Call, Claimed};

const LOG: &str = "\
    insert into public.agent_run_logs (session_id, task_id, task_type, provider, model,
        prompt_hash, is_cached, is_private, input, output, tokens_in, tokens_out, latency_ms, cost,
        error, reason)
    select $2, task_id, task_type, provider, model, prompt_hash, is_cached, is_private, input,
        output, tokens_in, tokens_out, latency_ms, cost, error, reason
    from jsonb_to_recordset($1::jsonb) as x(task_id uuid, task_type text, provider text, model text,
        prompt_hash text, is_cached bool, is_private bool, input jsonb, output jsonb, tokens_in int, tokens_out int,
        latency_ms int, cost numeric, error jsonb, reason text)";

pub async fn log<'a>(
    transaction: &mut PgConnection,
    calls: impl Iterator<Item = (&'a Claimed, &'a [Call])>,
    run_id: Uuid,
) -> Result<(), Stop> {
    let rows: Vec<Value> =
        calls.flat_map(|(task, calls)| calls.iter().map(|call| row(task, call))).collect();
    insert(transaction, rows, run_id).await
}

/// The same of calls that belong to no task, as of a search.
pub async fn log_apart(
    connection: &mut PgConnection,
    doing: &str,
    calls: &[Call],
    run_id: Uuid,
) -> Result<(), Stop> {
    let row = |call: &Call| {
        let mut row = columns(call);
        row["task_type"] = json!(doing);
        row
    };
    let mut transaction = connection.begin().await.map_err(stop)?;
    insert(&mut transaction, calls.iter().map(row).collect(), run_id).await?;
    transaction.commit().await.map_err(stop)
}

async fn insert(
    transaction: &mut PgConnection,
    rows: Vec<Value>,
    run_id: Uuid,
) -> Result<(), Stop> {
    if rows.is_empty() {
        return Ok(());
    }
    let log = sqlx::query(LOG).bind(sent::parameter(&rows)).bind(run_id).persistent(false);
    log.execute(transaction).await.map_err(stop)?;
    Ok(())
}

fn row(task: &Claimed, call: &Call) -> Value {
    let mut row = columns(call);
    (row["task_id"], row["task_type"]) = (json!(task.id), json!(task.task_type));
    row
}

fn columns(call: &Call) -> Value {
    json!({
        "provider": call.provider,
        "model": call.model,
        "prompt_hash": call.prompt_hash,
        "is_cached": call.is_cached,
        "is_private": call.is_private,
        "input": call.input,
        "output": call.output,
        "tokens_in": call.tokens_in,
        "tokens_out": call.tokens_out,
        "latency_ms": i32::try_from(call.latency.as_millis()).unwrap_or(i32::MAX),
        "cost": call.cost,
        "error": call.error,
        "reason": call.reason,
    })
}
