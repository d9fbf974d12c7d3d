//! `frieze hook`: what makes an edit in the database a deployment.

pub mod database;
mod serve;

use super::{Global, output};
use crate::config::Overrides;
use crate::error::Result;

/// Make edits in the database deployments
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Install(database::InstallArgs),
    Remove(database::RemoveArgs),
    Status(database::StatusArgs),
    Serve(serve::Args),
}

pub fn run(global: &Global, command: &Command) -> Result<()> {
    let config = global.config(&Overrides::default())?;
    match command {
        Command::Install(args) => database::install(global, args, &config),
        Command::Remove(args) => database::remove(global, args, &config),
        Command::Status(args) => database::status(global, args, &config),
        Command::Serve(args) => serve::run(global, args, &config),
    }
}
