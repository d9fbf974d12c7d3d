//! `frieze db export`: what the database holds goes back into files.

use std::fmt::Write as _;
use std::path::PathBuf;

use sqlx::PgConnection;

use super::super::{Global, output};
use super::say;
use crate::config::Config;
use crate::db::export::{self, LeftOut, Options, Report, Stray};
use crate::db::migrate::Migrations;
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that takes the files, instead of content/
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    /// Write the times of every row, also those that the last seed made
    #[arg(long)]
    full: bool,
}

pub async fn run(
    global: &Global,
    args: &Args,
    config: &Config,
    migrations: &Migrations,
    connection: &mut PgConnection,
    place: &str,
) -> Result<()> {
    let dir = args.output.clone().unwrap_or_else(|| config.build.content.clone());
    let options = Options { dir, full: args.full };
    let export = export::plan(connection, config, migrations, &options).await?;
    if !args.dry_run {
        export.write()?;
    }
    report(global, args, &export.report, place, &options)
}

fn report(
    global: &Global,
    args: &Args,
    report: &Report,
    place: &str,
    options: &Options,
) -> Result<()> {
    let folder = options.dir.display().to_string();
    let rows: usize = report.tables.values().sum();
    let verb = if args.dry_run { "Would export" } else { "Exported" };
    let counts =
        [("written", &report.written), ("changed", &report.changed), ("removed", &report.removed)];
    let mut text = format!("{verb} {} from {place} to {folder}:", output::count(rows, "row"));
    for (what, files) in counts {
        let _ = write!(text, " {} {what},", files.len());
    }
    let _ = write!(text, " {} unchanged", report.unchanged);
    for (what, files) in counts {
        for file in files {
            let _ = write!(text, "\n  {what} {file}");
        }
    }
    for Stray { table, file, line } in &report.only_in_files {
        let _ = write!(text, "\n  only in the file {file}:{line}: a row of {table}, left as it is");
    }
    for LeftOut { table, reason } in &report.left_out {
        let _ = write!(text, "\n  not exported: {table}: {reason}");
    }
    let value = serde_json::json!({
        "database": place,
        "folder": folder,
        "dry_run": args.dry_run,
        "tables": report.tables,
        "written": report.written,
        "changed": report.changed,
        "removed": report.removed,
        "unchanged": report.unchanged,
        "only_in_files": report.only_in_files,
        "left_out": report.left_out,
    });
    say(global, &value, &text)
}
