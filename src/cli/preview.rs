//! `frieze preview`: a finished site, served as its host would.

use std::path::PathBuf;

use super::Global;
use super::dev::Serving;
use crate::config::{Overrides, Target};
use crate::error::Result;
use crate::serve;

/// Serve the finished site as its host would, headers and redirects included
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    serving: Serving,
    /// Where the site was published, instead of build.output
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Whose rules were written beside the pages
    #[arg(long, value_enum)]
    target: Option<Target>,
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    let overrides =
        Overrides { output: args.output.clone(), target: args.target, ..Overrides::default() };
    let config = global.config(&overrides)?;
    serve::preview(&config, &args.serving.options(false), &args.serving.observer(global))
}
