//! `frieze build`: the whole pipeline, once.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use chrono::Utc;

use super::{Global, output};
use crate::config::{Config, Overrides, Target};
use crate::enrich::worker::Report as Enriched;
use crate::error::Result;
use crate::hook::{self, News};
use crate::pipeline::{self, ImageReport, Report};
use crate::source::snapshot::About;

/// Build the site: read, render, publish in one atomic step
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Args {
    /// Where the site is published, instead of build.output
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Whose rules are written beside the pages
    #[arg(long, value_enum)]
    target: Option<Target>,
    #[arg(long, value_name = "URL", help = "Where the site will live, instead of site.base_url")]
    base_url: Option<String>,
    /// Show a placeholder where an image is missing or broken, and warn, instead of failing
    #[arg(long)]
    allow_missing_images: bool,
    /// Publish the site even if it is less than half of what it was
    #[arg(long)]
    allow_shrink: bool,
    /// This build goes live: record it, and count the changes it reads as deployed
    #[arg(long)]
    deploy: bool,
    /// Build from the snapshot that the last read of the database left
    #[arg(long)]
    offline: bool,
    /// How long models get before the read, instead of `enrich.window_seconds`; 0 asks nobody
    #[arg(long, value_name = "SECONDS")]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=604_800))]
    enrich_window: Option<u64>,
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    let overrides = Overrides {
        base_url: args.base_url.clone(),
        output: args.output.clone(),
        target: args.target,
        allow_missing_images: args.allow_missing_images,
        allow_shrink: args.allow_shrink,
        offline: args.offline,
        enrich_window: args.enrich_window,
        deploy: args.deploy,
    };
    let config = global.config(&overrides)?;
    let began = Instant::now();
    let built = {
        let progress = output::Progress::new(global.json);
        pipeline::build(&config, &progress)
    };
    tell(&config, &built, began.elapsed());
    let report = built?;
    warn(&report.images);
    if global.json { output::json(&report) } else { output::line(&summary(&report)) }
}

/// Tells whoever is to know how a build that goes live went.
fn tell(config: &Config, built: &Result<Report>, took: Duration) {
    if !config.hook.is_live {
        return;
    }
    let report = built.as_ref().ok();
    let news = News {
        status: if report.is_some() { "succeeded" } else { "failed" },
        site: config.site.base_url.clone(),
        pages: report.map(|report| report.pages),
        bytes: report.map(|report| report.bytes),
        fingerprint: report.map(|report| report.fingerprint.clone()),
        seconds: took.as_secs_f64(),
        error: built.as_ref().err().map(|error| error.chain().join(": ")),
    };
    if let Err(error) = hook::notify(config, &news) {
        tracing::warn!("{}", error.chain().join(": "));
    }
}

fn summary(report: &Report) -> String {
    let written = match report.written {
        0 => "nothing changed".to_owned(),
        written => format!("{written} written"),
    };
    let mut lines = vec![format!(
        "Built {} in {}: {}, {}, {} ({written})",
        report.output.display(),
        output::seconds(report.seconds),
        output::count(report.pages, "page"),
        output::count(report.files, "file"),
        output::size(report.bytes),
    )];
    if let Some(About { origin, .. }) = &report.snapshot {
        let age = output::age(Utc::now() - origin.taken_at);
        lines.push(format!("  snapshot  of {}, {age} old ({})", origin.place, origin.time()));
    }
    if report.reused > 0 {
        lines.push(format!("  reused    {}", output::count(report.reused, "unchanged page")));
    }
    lines.extend(report.enriched.as_ref().and_then(enriched));
    lines.extend(images(&report.images));
    if let Some(heaviest) = &report.heaviest {
        let size = output::size(heaviest.bytes);
        lines.push(format!("  heaviest  {} ({size} of HTML)", heaviest.path));
    }
    let stages = report.stages.iter().map(|s| format!("{} {}", s.name, output::seconds(s.seconds)));
    lines.push(format!("  time      {}", stages.collect::<Vec<_>>().join(", ")));
    lines.join("\n")
}

/// What models did, and what waits for them, if anything does.
fn enriched(report: &Enriched) -> Option<String> {
    let pending = usize::try_from(report.due + report.later).unwrap_or_default();
    let counts = [
        (report.tasks.completed, "completed"),
        (report.tasks.failed, "failed"),
        (pending, "pending"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    let because = report.because.as_ref().filter(|_| pending > 0);
    let because = because.map(|why| format!(" ({})", super::enrich::brief(why, 200)));
    let because = because.unwrap_or_default();
    let is_open = pending + report.tasks.failed > 0;
    let where_to = if is_open { "; see `frieze enrich list`" } else { "" };
    (!counts.is_empty()).then(|| format!("  enriched  {}{because}{where_to}", counts.join(", ")))
}

/// What was done about images, if anything was.
fn images(report: &ImageReport) -> Option<String> {
    let ImageReport { made, downloaded, .. } = report;
    let mut done = Vec::new();
    if made.encoded > 0 {
        let (variants, sources) = (output::count(made.encoded, "file"), made.decoded);
        let bytes = output::size(made.bytes);
        done.push(format!("{variants} made from {}, {bytes}", output::count(sources, "image")));
    }
    if *downloaded > 0 {
        done.push(format!("{downloaded} downloaded"));
    }
    (!done.is_empty()).then(|| format!("  images    {}", done.join("; ")))
}

/// What is not as it should be, though the site stands.
fn warn(report: &ImageReport) {
    for missing in &report.missing {
        tracing::warn!("placeholder shown: the image {} {}", missing.image, missing.reason);
    }
    for warning in &report.warnings {
        tracing::warn!("{warning}");
    }
}
