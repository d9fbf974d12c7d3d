//! `frieze enrich stats`.

use serde_json::json;
use sqlx::PgConnection;

use super::aligned;
use crate::cli::{Global, output};
use crate::enrich::queue::{self, Stats};
use crate::error::Result;

/// Show what models did: calls, tokens, cost, how long they took, failures, answers from the cache
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How many days to look back
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=36_500))]
    since: u32,
}

pub async fn run(global: &Global, args: &Args, connection: &mut PgConnection) -> Result<()> {
    let mut by = queue::stats(connection, args.since).await?;
    // The sum of all comes last.
    let total = by.pop();
    if global.json {
        return output::json(&json!({"days": args.since, "total": total, "by": by}));
    }
    let Some(total) = total.filter(|total| total.calls > 0) else {
        let days = output::count(args.since as usize, "day");
        return output::line(&format!("No model was asked in the last {days}"));
    };
    let head = [
        "provider",
        "task type",
        "calls",
        "cached",
        "failed",
        "tokens in",
        "tokens out",
        "cost",
        "p50 ms",
        "p95 ms",
        "p99 ms",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(by.iter().map(row));
    rows.push(row(&total));
    output::line(&aligned(&rows))
}

fn row(stats: &Stats) -> Vec<String> {
    let known = |number: Option<f64>, digits: usize| {
        number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
    };
    vec![
        stats.provider.clone().unwrap_or_else(|| "all".to_owned()),
        stats.task_type.clone().unwrap_or_default(),
        stats.calls.to_string(),
        stats.cached.to_string(),
        stats.failures.to_string(),
        stats.tokens_in.to_string(),
        stats.tokens_out.to_string(),
        known(stats.cost, 4),
        known(stats.p50_ms, 0),
        known(stats.p95_ms, 0),
        known(stats.p99_ms, 0),
    ]
}
