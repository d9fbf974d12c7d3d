//! Standard output and the progress display: people on a terminal, plain lines otherwise.

use std::io::{IsTerminal, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::error::{Error, Result};
use crate::pipeline::Observer;

/// Prints a value as one line of JSON.
pub fn json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value)
        .map_err(|error| Error::other("cannot write the report as JSON").because(error))?;
    line(&text)
}

/// Prints a line. A reader that went away, as `head` does, has read enough.
pub fn line(text: &str) -> Result<()> {
    match writeln!(std::io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::other("cannot write the report").because(error))
        }
        _ => Ok(()),
    }
}

/// A bar on a terminal, nothing where lines are collected.
pub fn bar(quiet: bool, template: &str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    if quiet || !std::io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

/// Shows how far a build is: a bar on a terminal, nothing where lines are collected.
pub struct Progress(ProgressBar);

impl Progress {
    pub fn new(quiet: bool) -> Self {
        Self(bar(quiet, "{spinner} {msg:9} {wide_bar} {pos}/{len}"))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Progress {
    fn stage(&self, name: &'static str) {
        self.0.set_message(name);
        tracing::info!(stage = name, "started");
    }

    fn pages(&self, total: u64) {
        self.0.set_length(total);
    }

    fn page(&self) {
        self.0.inc(1);
    }
}

/// 1,234,567 bytes as people read them.
pub fn size(bytes: u64) -> String {
    humansize::format_size(bytes, humansize::DECIMAL)
}

/// Seconds with as many digits as anyone reads.
pub fn seconds(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.2} s") }
}

/// How long something lasted, in its largest unit.
pub fn age(age: chrono::Duration) -> String {
    let units = [(age.num_days(), "day"), (age.num_hours(), "hour"), (age.num_minutes(), "minute")];
    let largest = units.into_iter().find(|(number, _)| *number > 0);
    let (number, unit) = largest.unwrap_or((age.num_seconds().max(0), "second"));
    count(usize::try_from(number).unwrap_or_default(), unit)
}

/// "1 page", "2 pages".
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(size(1_234_567), "1.23 MB");
        assert_eq!(seconds(0.0421), "42 ms");
        assert_eq!(seconds(1.5), "1.50 s");
        assert_eq!(age(chrono::Duration::seconds(59)), "59 seconds");
        assert_eq!(age(chrono::Duration::minutes(61)), "1 hour");
        assert_eq!(age(chrono::Duration::hours(49)), "2 days");
        assert_eq!(age(chrono::Duration::seconds(-5)), "0 seconds");
        assert_eq!(count(1, "page"), "1 page");
        assert_eq!(count(3, "page"), "3 pages");
    }
}
