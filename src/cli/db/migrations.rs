//! `frieze db migrations`: the migrations as files for another tool.

use std::path::PathBuf;

use crate::cli::{Global, output};
use crate::config::Config;
use crate::db::migrate::{Migrations, Written, write};
use crate::error::Result;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write to, as the Supabase CLI reads it: supabase/migrations
    #[arg(long, value_name = "DIR")]
    write: PathBuf,
}

pub fn run(global: &Global, args: &Args, config: &Config) -> Result<()> {
    let folder = config.root.join(&args.write);
    let done = write(&Migrations::collect(config)?, &config.build.migrations, &folder)?;
    let Written { files, unchanged } = &done;
    if global.json {
        let value =
            serde_json::json!({"folder": args.write, "written": files, "unchanged": unchanged});
        return output::json(&value);
    }
    let place = args.write.display();
    let all = output::count(files.len(), "migration");
    let text = match (files.len(), unchanged) {
        (0, unchanged) => {
            format!("Nothing to write: {} are in {place}", output::count(*unchanged, "migration"))
        }
        (_, 0) => format!("Wrote {all} to {place}:\n  {}", files.join("\n  ")),
        _ => format!("Wrote {all} to {place} ({unchanged} unchanged):\n  {}", files.join("\n  ")),
    };
    output::line(&text)
}
