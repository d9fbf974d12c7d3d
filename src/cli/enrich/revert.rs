//! `frieze enrich revert`.

use serde_json::json;
use sqlx::PgConnection;

use super::aligned;
use crate::cli::{Global, output};
use crate::enrich::revert::{Reverted, State, Which, revert};
use crate::error::Result;

/// Take back what models wrote, where nobody has changed it since
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A task's id (or the first 8 characters of that), or a table and a column of it, and perhaps
    /// a row's key; the column * stands for rows that models added
    #[arg(required = true, num_args = 1..=3, value_names = ["TASK|TABLE", "COLUMN", "ROW"])]
    what: Vec<String>,
}

pub async fn run(global: &Global, args: &Args, connection: &mut PgConnection) -> Result<()> {
    let which = Which::read(connection, &args.what).await?;
    let reverted = revert(connection, &which).await?;
    let done = reverted.iter().filter(|it| it.state == State::Reverted).count();
    if global.json {
        return output::json(&json!({"reverted": done, "values": reverted}));
    }
    output::line(&text(&reverted, done))
}

fn text(reverted: &[Reverted], done: usize) -> String {
    if reverted.is_empty() {
        return "No model wrote anything there".to_owned();
    }
    let rows: Vec<_> = reverted.iter().map(row).collect();
    format!(
        "{}\n\nTook back {} of {}",
        aligned(&rows),
        done,
        output::count(reverted.len(), "value")
    )
}

fn row(one: &Reverted) -> Vec<String> {
    let state = match &one.state {
        State::Reverted => "taken back".to_owned(),
        State::Changed => "stays: somebody has changed it since".to_owned(),
        State::Gone => "the row is gone".to_owned(),
        State::Refused(why) => format!("stays: {why}"),
    };
    vec![format!("{}.{}", one.table, one.column), one.key.to_string(), state]
}
