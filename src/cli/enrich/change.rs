//! `frieze enrich retry` and `frieze enrich cancel`.

use serde_json::json;
use sqlx::PgConnection;

use crate::cli::{Global, output};
use crate::enrich::queue::{self, Retried};
use crate::error::Result;

/// Give failed tasks all their attempts again
#[derive(Debug, clap::Args)]
pub struct RetryArgs {
    /// A task's id, or at least the first 8 characters of that
    #[arg(required_unless_present = "failed", conflicts_with = "failed")]
    id: Option<String>,
    /// All failed tasks, except cancelled ones
    #[arg(long)]
    failed: bool,
    /// Of these, only tasks of this type; may be said several times
    #[arg(long = "type", value_name = "TYPE", requires = "failed")]
    types: Vec<String>,
}

/// End tasks that are live; a worker that is at one will record nothing
#[derive(Debug, clap::Args)]
pub struct CancelArgs {
    /// A task's id, or at least the first 8 characters of that
    #[arg(required_unless_present = "pending", conflicts_with = "pending")]
    id: Option<String>,
    /// All tasks that wait
    #[arg(long)]
    pending: bool,
    /// Of these, only tasks of this type; may be said several times
    #[arg(long = "type", value_name = "TYPE", requires = "pending")]
    types: Vec<String>,
}

pub async fn retry(global: &Global, args: &RetryArgs, connection: &mut PgConnection) -> Result<()> {
    let Some(id) = &args.id else {
        let count = queue::retry_failed(connection, &args.types).await?;
        return say(global, "retried", count, &format!("{} will be tried again", tasks(count)));
    };
    let id = queue::find(connection, id).await?;
    match queue::retry(connection, id).await? {
        Retried::Pending => say(global, "retried", 1, &format!("Task {id} will be tried again")),
        Retried::Repeats(live) => say(
            global,
            "retried",
            0,
            &format!("Task {live} does the same and is live: nothing to do"),
        ),
    }
}

pub async fn cancel(
    global: &Global,
    args: &CancelArgs,
    connection: &mut PgConnection,
) -> Result<()> {
    let Some(id) = &args.id else {
        let count = queue::cancel_pending(connection, &args.types).await?;
        return say(global, "cancelled", count, &format!("Cancelled {}", tasks(count)));
    };
    let id = queue::find(connection, id).await?;
    queue::cancel(connection, id).await?;
    say(global, "cancelled", 1, &format!("Cancelled task {id}"))
}

fn tasks(count: u64) -> String {
    output::count(usize::try_from(count).unwrap_or(usize::MAX), "task")
}

fn say(global: &Global, key: &str, count: u64, text: &str) -> Result<()> {
    if global.json { output::json(&json!({key: count})) } else { output::line(text) }
}
