//! `frieze db export`: what the database holds goes back into files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use sqlx::PgConnection;

use super::super::{Global, output};
use super::say;
use crate::config::Config;
use crate::db::export::{self, LeftOut, Options, Report, Stray};
use crate::db::migrate::Migrations;
use crate::error::{Error, Result};

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
    /// Overwrite rows too that were edited in their file and not seeded yet
    #[arg(long)]
    force: bool,
}

impl Args {
    fn dir(&self, config: &Config) -> PathBuf {
        self.output.clone().unwrap_or_else(|| config.build.content.clone())
    }
}

/// The embedded database is made from the content folder: what it holds is older than the files, and
/// who means to export to them has forgotten to say from where.
pub fn refuse_own_source(args: &Args, config: &Config) -> Result<()> {
    let (content, variable) = (&config.build.content, &config.database.url_env);
    if config.database.url.is_some() || !is_same(&args.dir(config), content) {
        return Ok(());
    }
    Err(Error::config(format!(
        "the embedded database is made from {}, so an export would only put older rows over it",
        content.display()
    ))
    .help(format!(
        "set {variable} to the database to export; or name another folder with --output"
    )))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).ok();
    whole(one) == whole(other)
}

pub async fn run(
    global: &Global,
    args: &Args,
    config: &Config,
    migrations: &Migrations,
    connection: &mut PgConnection,
    place: &str,
) -> Result<()> {
    let options = Options { dir: args.dir(config), full: args.full, force: args.force };
    let export = export::plan(connection, config, migrations, &options).await?;
    if !args.dry_run {
        export.write()?;
    }
    report(global, args, &export.report, place, &options)
}

/// What to do about rows that were left.
const DECIDE: &str = "\n`frieze db seed` writes what files say, `frieze db export --force` what the database says; \
    of rows edited in both one edit is lost: see which before";

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
    if report.enriched > 0 {
        let what = output::count(report.enriched, "value");
        let _ = write!(text, ", {what} marked as written by models");
    }
    for (what, files) in counts {
        for file in files {
            let _ = write!(text, "\n  {what} {file}");
        }
    }
    for Stray { table, file, line } in &report.only_in_files {
        let _ = write!(text, "\n  only in the file {file}:{line}: a row of {table}, left as it is");
    }
    for Stray { table, file, line } in &report.not_seeded {
        let _ = write!(
            text,
            "\n  edited in the file {file}:{line}, not seeded yet: a row of {table}, left as it is"
        );
    }
    for Stray { table, file, line } in &report.conflicts {
        let _ = write!(
            text,
            "\n  edited in the file {file}:{line} and in the database: a row of {table}, left as it is"
        );
    }
    for LeftOut { table, reason } in &report.left_out {
        let _ = write!(text, "\n  not exported: {table}: {reason}");
    }
    if !report.not_seeded.is_empty() || !report.conflicts.is_empty() {
        text.push_str(DECIDE);
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
        "enriched": report.enriched,
        "only_in_files": report.only_in_files,
        "not_seeded": report.not_seeded,
        "conflicts": report.conflicts,
        "left_out": report.left_out,
    });
    say(global, &value, &text)
}
