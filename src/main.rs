//! The program: parse, log, run, print the error chain, exit.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use frieze::cli::{self, Cli};

/// Rendering allocates and frees small pieces on every core; with the system's
/// allocator a third of a build's samples were inside it (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let telemetry = cli::logging::start(&cli.global);
    let code = match cli::run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let report = if cli.global.json { cli::json_error(&error) } else { error.report() };
            let _ = writeln!(std::io::stderr().lock(), "{report}");
            ExitCode::from(error.kind().exit_code())
        }
    };
    drop(telemetry);
    code
}
