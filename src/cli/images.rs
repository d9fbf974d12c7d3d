//! `frieze images`: what images a site has and what they weigh; when asked, lighter originals.

mod list;
mod optimize;

use super::{Global, output};
use crate::config::Overrides;
use crate::error::Result;
use crate::pipeline;

/// List images with what they weigh; when asked, make their originals lighter
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Recompress originals in place where that saves much and shows little; copies are kept
    #[arg(long)]
    optimize_storage: bool,
    /// Scale wider originals down to this width
    #[arg(long, value_name = "PIXELS", default_value_t = 3200, requires = "optimize_storage")]
    #[arg(value_parser = clap::value_parser!(u32).range(16..=100_000))]
    max_width: u32,
    /// Only say what would be recompressed
    #[arg(long, requires = "optimize_storage")]
    dry_run: bool,
    /// Replace images in the project's storage too, not only files of the site
    #[arg(long, requires = "optimize_storage")]
    yes: bool,
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    // A report names what is broken; it does not stop at it.
    let overrides = Overrides { allow_missing_images: true, ..Overrides::default() };
    let config = global.config(&overrides)?;
    let (listed, shared) = pipeline::images(&config)?;
    let images = &shared.assets.images;
    if args.optimize_storage {
        return optimize::run(global, args, &config, images);
    }
    let listed = list::complete(listed, images);
    if global.json { output::json(&listed) } else { output::line(&list::table(&listed)) }
}
