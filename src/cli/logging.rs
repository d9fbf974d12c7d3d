//! Log lines on standard error: quiet unless asked, as text or as JSON. Spans for a collector,
//! where the environment names one.

use std::io::IsTerminal as _;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use super::Global;
use crate::telemetry::{self, SPANS, Telemetry};

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Starts logging. `RUST_LOG` overrides `-v`. What comes back is kept until the end.
#[must_use]
pub fn start(global: &Global) -> Option<Telemetry> {
    let (telemetry, trouble) = match telemetry::start() {
        Ok(telemetry) => (telemetry, None),
        Err(trouble) => (None, Some(trouble)),
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    let lines = match global.log_format {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().boxed(),
    };
    let spans = telemetry.as_ref().map(Telemetry::layer);
    // A second start, as tests do, keeps the first.
    let _ = registry().with(spans).with(lines.with_filter(filter(global.verbose))).try_init();
    if let Some(trouble) = trouble {
        tracing::warn!("no spans are sent: {trouble}");
    }
    telemetry
}

fn filter(verbose: u8) -> EnvFilter {
    let level = match verbose {
        0 => "warn,frieze=warn",
        1 => "warn,frieze=info",
        2 => "info,frieze=debug",
        _ => "debug,frieze=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    match format!("{SPANS}=off").parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}
