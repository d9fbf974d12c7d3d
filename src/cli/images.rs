//! `frieze images`: what images a site has and what they weigh.

mod list;

use super::{Global, output};
use crate::config::Overrides;
use crate::error::Result;
use crate::pipeline;

/// List images with what they weigh
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(global: &Global, _args: &Args) -> Result<()> {
    // A report names what is broken; it does not stop at it.
    let overrides = Overrides { allow_missing_images: true, ..Overrides::default() };
    let config = global.config(&overrides)?;
    let (listed, shared) = pipeline::images(&config)?;
    let listed = list::complete(listed, &shared.assets.images);
    if global.json { output::json(&listed) } else { output::line(&list::table(&listed)) }
}
