//! Log lines on standard error: quiet unless asked, as text or as JSON.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use super::Global;

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Starts logging. `RUST_LOG` overrides `-v`.
pub fn start(global: &Global) {
    let level = match global.verbose {
        0 => "warn,frieze=warn",
        1 => "warn,frieze=info",
        2 => "info,frieze=debug",
        _ => "debug,frieze=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let lines = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    // A second start, as tests do, keeps the first.
    let _ = match global.log_format {
        Format::Text => lines.with_target(false).try_init(),
        Format::Json => lines.json().try_init(),
    };
}
