//! `frieze enrich list`.

use serde_json::json;
use sqlx::PgConnection;

use super::{aligned, brief, short, when};
use crate::cli::{Global, output};
use crate::enrich::queue::{self, Counts, Filter, Listed, Status};
use crate::error::Result;

/// Show what is in the queue: what is live first, then what ended last
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only tasks of this status
    #[arg(long, value_enum, value_name = "STATUS")]
    status: Option<Word>,
    /// Only tasks of this type; may be said several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Word {
    Pending,
    Processing,
    Completed,
    Failed,
}

pub async fn run(global: &Global, args: &Args, connection: &mut PgConnection) -> Result<()> {
    let status = args.status.map(|word| match word {
        Word::Pending => Status::Pending,
        Word::Processing => Status::Processing,
        Word::Completed => Status::Completed,
        Word::Failed => Status::Failed,
    });
    let filter = Filter { status, types: args.types.clone(), limit: args.limit };
    let tasks = queue::list(connection, &filter).await?;
    let counts = queue::counts(connection, &args.types).await?;
    if global.json {
        return output::json(&json!({"counts": counts, "tasks": tasks}));
    }
    output::line(&text(&tasks, &counts))
}

fn text(tasks: &[Listed], counts: &Counts) -> String {
    let Counts { pending, due, processing, completed, failed } = counts;
    let sum = format!(
        "{pending} pending ({due} due), {processing} processing, {completed} completed, {failed} failed"
    );
    if tasks.is_empty() {
        return sum;
    }
    let rows: Vec<_> = tasks.iter().map(row).collect();
    format!("{}\n\n{sum}", aligned(&rows))
}

fn row(task: &Listed) -> Vec<String> {
    let says = match (task.status, &task.error_message) {
        (Status::Processing, _) => task.leased_by.clone().map(|by| format!("by {by}")),
        (_, Some(error)) => Some(brief(error, 60)),
        (_, None) => None,
    };
    vec![
        short(task.id),
        task.status.name().to_owned(),
        task.task_type.clone(),
        task.target.as_deref().map_or_else(|| "-".to_owned(), |target| brief(target, 48)),
        format!("p{}", task.priority),
        format!("{}/{}", task.attempts, task.max_attempts),
        since(task),
        says.unwrap_or_default(),
    ]
}

fn since(task: &Listed) -> String {
    let time = match task.status {
        Status::Pending => task.scheduled_at,
        Status::Processing => task.started_at,
        Status::Completed | Status::Failed => task.completed_at,
    };
    match (time, task.status) {
        (Some(time), Status::Pending) if time <= chrono::Utc::now() => "due".to_owned(),
        (Some(time), _) => when(time),
        (None, _) => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_a_line() {
        let task = json!({"id": "0123abcd-4567-89ab-cdef-0123456789ab", "task_type": "embed",
            "target": null, "status": "failed", "priority": 7, "attempts": 3, "max_attempts": 3,
            "is_private": false, "created_at": "2026-01-01T00:00:00+00:00", "scheduled_at": null,
            "started_at": null, "completed_at": null, "leased_by": null,
            "error_message": "no such row\nsecond line"});
        let task: Listed = serde_json::from_value(task).unwrap();
        let counts = Counts { failed: 1, ..Counts::default() };
        assert_eq!(
            text(&[task], &counts),
            "0123abcd-4567  failed  embed  -  p7  3/3  -  no such row\n\n\
             0 pending (0 due), 0 processing, 0 completed, 1 failed"
        );
    }
}
