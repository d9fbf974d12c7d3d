//! `frieze enrich show`.

use std::fmt::Write as _;

use serde_json::Value;
use sqlx::PgConnection;

use super::{aligned, when};
use crate::cli::{Global, output};
use crate::enrich::queue::{self, CallMade, Details, Written};
use crate::error::Result;

/// Show one task: what it asks, the calls made for it, what it wrote
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Its id, or at least the first 8 characters of that
    id: String,
}

pub async fn run(global: &Global, args: &Args, connection: &mut PgConnection) -> Result<()> {
    let id = queue::find(connection, &args.id).await?;
    let details = queue::show(connection, id).await?;
    if global.json { output::json(&details) } else { output::line(&text(&details)) }
}

fn text(details: &Details) -> String {
    let Details { task, leased_until, run_id, payload, result, calls, written } = details;
    let mut rows = Vec::new();
    let mut line = |name: &str, value: Option<String>| {
        rows.extend(value.map(|value| vec![format!("  {name}"), value]));
    };
    let private = if task.is_private { ", private" } else { "" };
    let priority = format!("priority {}{private}", task.priority);
    line("status", Some(task.status.name().to_owned()));
    line("target", task.target.clone());
    line("order", Some(priority));
    line("attempts", Some(format!("{} of {}", task.attempts, task.max_attempts)));
    line("created", Some(when(task.created_at)));
    line("scheduled", task.scheduled_at.map(when));
    line("started", task.started_at.map(when));
    line("ended", task.completed_at.map(when));
    line("worker", task.leased_by.clone());
    line("lease ends", leased_until.map(when));
    line("run", run_id.map(|id| id.to_string()));
    line("payload", Some(payload.to_string()));
    line("result", result.as_ref().map(Value::to_string));
    line("error", task.error_message.clone());
    let mut text = format!("{} {}\n{}", task.task_type, task.id, aligned(&rows));
    if !calls.is_empty() {
        let _ = write!(text, "\n\nCalls\n{}", aligned(&calls.iter().map(call).collect::<Vec<_>>()));
    }
    if !written.is_empty() {
        let rows: Vec<_> = written.iter().map(write).collect();
        let _ = write!(text, "\n\nWritten\n{}", aligned(&rows));
    }
    text
}

fn call(call: &CallMade) -> Vec<String> {
    let tokens = |number: Option<i32>| number.map_or_else(|| "?".to_owned(), |it| it.to_string());
    let how = match (&call.error, &call.reason) {
        (Some(error), _) => format!("failed: {error}"),
        (None, reason) => reason.clone().unwrap_or_default(),
    };
    vec![
        format!("  {}", when(call.created_at)),
        format!("{} {}", call.provider, call.model),
        if call.is_cached { "cached".to_owned() } else { ms(call.latency_ms) },
        format!("{} + {} tokens", tokens(call.tokens_in), tokens(call.tokens_out)),
        how,
    ]
}

fn ms(latency: Option<i32>) -> String {
    latency.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"))
}

fn write(written: &Written) -> Vec<String> {
    let json = |value: &Option<Value>| value.as_ref().unwrap_or(&Value::Null).to_string();
    let reverted = if written.reverted_at.is_some() { " (taken back)" } else { "" };
    let former = json(&written.former);
    vec![
        format!("  {}.{}", written.table_name, written.column_name),
        written.row_key.to_string(),
        format!("{} instead of {former}{reverted}", json(&written.value)),
    ]
}
