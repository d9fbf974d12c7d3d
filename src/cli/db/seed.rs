//! `frieze db seed`: `content/` goes into the database, and what was kept is said.

use std::fmt::Write as _;

use sqlx::PgConnection;

use super::super::{Global, output};
use super::say;
use crate::config::Config;
use crate::db::Database;
use crate::db::seed::{self, Conflict, Content, Mode, Report};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Overwrite rows too that are newer in the database than in their file
    #[arg(long)]
    force: bool,
}

pub fn read(config: &Config) -> Result<Content> {
    Content::read(&config.build.content, config)
}

pub async fn run(
    global: &Global,
    args: &Args,
    content: &Content,
    connection: &mut PgConnection,
    database: &Database,
) -> Result<()> {
    let mode = match (database.is_embedded(), args.force) {
        (true, _) => Mode::Mirror,
        (false, false) => Mode::Push,
        (false, true) => Mode::Force,
    };
    report(global, &seed::sync(connection, content, mode).await?, &database.describe())
}

fn report(global: &Global, report: &Report, place: &str) -> Result<()> {
    let mut text = format!("Seeded {place}:");
    for (table, rows) in &report.tables {
        let _ = write!(
            text,
            "\n  {table}: {} inserted, {} updated, {} deleted, {} unchanged",
            rows.inserted, rows.updated, rows.deleted, rows.unchanged
        );
        if rows.skipped > 0 {
            let _ = write!(text, ", {} skipped", rows.skipped);
        }
        if rows.enriched > 0 {
            let what = output::count(usize::try_from(rows.enriched).unwrap_or(usize::MAX), "field");
            let _ = write!(text, ", {what} kept as a model wrote it");
        }
    }
    if !report.conflicts.is_empty() {
        text.push_str(&kept(&report.conflicts));
    }
    let (tables, conflicts) = (&report.tables, &report.conflicts);
    let value = serde_json::json!({"database": place, "tables": tables, "conflicts": conflicts});
    say(global, &value, &text)
}

/// Which rows were kept, and how to decide.
fn kept(conflicts: &[Conflict]) -> String {
    let count = output::count(conflicts.len(), "row");
    let mut text = format!("\nSkipped {count} newer in the database than in the file:");
    for conflict in conflicts {
        let Conflict { table, key, file, line, .. } = conflict;
        let time = |time: &Option<String>| time.clone().unwrap_or_else(|| "no time".to_owned());
        let (database, said) = (time(&conflict.in_database), time(&conflict.in_file));
        let _ = write!(
            text,
            "\n  {file}:{line}: {table} {key}: {database} in the database, {said} in the file"
        );
    }
    text.push_str(
        "\n`frieze db export` takes them into the files, with --force also where those were edited; \
         `frieze db seed --force` overwrites them",
    );
    text
}
