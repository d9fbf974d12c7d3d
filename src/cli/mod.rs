//! The command line: one file per subcommand, with its arguments and how it reports.

mod build;
mod changed;
mod db;
mod dev;
mod enrich;
mod hook;
mod images;
mod init;
pub mod logging;
mod memory;
mod output;
mod preview;
mod status;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Overrides};
use crate::db as database;
use crate::error::{Error, Result};

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 other failure, 2 wrong arguments, 3 configuration, 4 database,
5 content (rows, layouts, slugs), 6 templates and assets, 7 files and the output folder";

/// Freezes a living Postgres (Supabase) database into a fast, fully static site.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Options of every subcommand.
#[derive(Debug, Args)]
pub struct Global {
    /// The site's folder, which holds frieze.toml
    #[arg(long, short = 'C', global = true, default_value = ".", value_name = "DIR")]
    pub root: PathBuf,
    /// Print one JSON value on standard output, for machines
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more on standard error: -v what is done, -vv how
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// The form of log lines on standard error
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub log_format: logging::Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    Build(build::Args),
    Dev(dev::Args),
    Preview(preview::Args),
    Changed(changed::Args),
    Images(images::Args),
    Init(init::Args),
    #[command(subcommand)]
    Db(db::Command),
    Enrich(enrich::Args),
    #[command(subcommand)]
    Memory(memory::Command),
    #[command(subcommand)]
    Hook(hook::Command),
    Status(status::Args),
}

/// Does what was asked for; gives the exit code.
pub fn run(cli: &Cli) -> Result<u8> {
    let done = match &cli.command {
        Command::Changed(args) => return changed::run(&cli.global, args),
        Command::Build(args) => build::run(&cli.global, args),
        Command::Dev(args) => dev::run(&cli.global, args),
        Command::Preview(args) => preview::run(&cli.global, args),
        Command::Images(args) => images::run(&cli.global, args),
        Command::Init(args) => init::run(&cli.global, args),
        Command::Db(command) => db::run(&cli.global, command),
        Command::Enrich(args) => enrich::run(&cli.global, args),
        Command::Memory(command) => memory::run(&cli.global, command),
        Command::Hook(command) => hook::run(&cli.global, command),
        Command::Status(args) => status::run(&cli.global, args),
    };
    done.map(|()| 0)
}

impl Global {
    fn config(&self, overrides: &Overrides) -> Result<Config> {
        let config = Config::load(&self.root, overrides, &|name| std::env::var(name).ok())?;
        database::prepare(&config.database)?;
        Ok(config)
    }
}

/// An error as one JSON object.
pub fn json_error(error: &Error) -> String {
    error_value(error).to_string()
}

fn error_value(error: &Error) -> serde_json::Value {
    let chain = error.chain();
    serde_json::json!({"error": {
        "kind": error.kind().name(),
        "code": error.kind().exit_code(),
        "message": chain[0],
        "causes": chain[1..],
        "help": error.help_text(),
    }})
}
