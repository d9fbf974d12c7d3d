//! `frieze db check`: what was found, as people paste it into a terminal or as JSON.

use std::fmt::Write as _;

use crate::cli::{Global, output};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::pipeline::check::{Finding, Level, Report, Room, Usage, check};

/// Look at tables, rights, policies, rows and room, and say how to mend what is wrong
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Fail at warnings too
    #[arg(long)]
    strict: bool,
}

pub fn run(global: &Global, config: &Config, args: &Args) -> Result<()> {
    let report = check(config)?;
    if global.json {
        output::json(&report)?;
    } else {
        output::line(&text(&report))?;
    }
    verdict(&report, args.strict)
}

fn verdict(report: &Report, is_strict: bool) -> Result<()> {
    let is_wrong = report.errors > 0 || (is_strict && report.warnings > 0);
    if !is_wrong {
        return Ok(());
    }
    Err(Error::database(format!("the check of {} found {}", report.database, summary(report)))
        .help("each finding in the report says how to mend it; docs/database.md explains them"))
}

fn text(report: &Report) -> String {
    let mut text =
        format!("Checked {}, {}, as {} reads it\n", report.database, report.server, report.role);
    let checked: Vec<_> =
        report.checked.iter().map(|it| format!("{} {}", it.count, it.what)).collect();
    let _ = writeln!(text, "  {}", checked.join(", "));
    for (level, head) in
        [(Level::Error, "Errors"), (Level::Warning, "Warnings"), (Level::Note, "Notes")]
    {
        let findings: Vec<_> = report.findings.iter().filter(|it| it.level == level).collect();
        if !findings.is_empty() {
            let _ = write!(text, "\n{head}\n");
            text.extend(findings.into_iter().map(one));
        }
    }
    let _ = write!(text, "\nRoom on free plans\n{}\n{}", room(&report.room), summary(report));
    text
}

fn one(finding: &Finding) -> String {
    let mut text = format!("  {}  {}\n", finding.code, finding.subject);
    let indented = |text: &str| text.replace('\n', "\n    ");
    let _ = writeln!(text, "    {}", indented(&finding.message));
    if let Some(mend) = &finding.mend {
        let _ = writeln!(text, "    mend: {}", indented(mend));
    }
    if let Some(sql) = &finding.sql {
        let _ = writeln!(text, "      {}", sql.replace('\n', "\n      "));
    }
    text
}

fn room(room: &Room) -> String {
    let usage = |usage: &Option<Usage>| match usage {
        Some(usage) => format!(
            "{} of {} ({} %)",
            output::size(usage.bytes),
            output::size(usage.limit),
            usage.percent()
        ),
        None => "not known here".to_owned(),
    };
    let mut lines = vec![format!("  database  {}", usage(&room.database))];
    if room.storage.is_some() {
        lines.push(format!("  storage   {}", usage(&room.storage)));
    }
    let per_build = output::size(room.reads.bytes_per_build);
    lines.push(match room.reads.builds_per_month {
        Some(builds) => {
            let limit = output::size(room.reads.limit);
            format!(
                "  reading   {per_build} a build: {limit} is enough for {} builds a month",
                grouped(builds)
            )
        }
        None => "  reading   nothing was read".to_owned(),
    });
    lines.push(match &room.transfer {
        Some(transfer) => format!(
            "  visits    {} a first visit: {} is enough for about {} a month",
            output::size(transfer.bytes_per_visit),
            output::size(transfer.limit),
            grouped(transfer.visits_per_month)
        ),
        None => "  visits    not known before the first build".to_owned(),
    });
    lines.join("\n") + "\n"
}

fn summary(report: &Report) -> String {
    let errors = output::count(report.errors, "error");
    format!("{errors}, {}", output::count(report.warnings, "warning"))
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1234), "1,234");
        assert_eq!(grouped(123_456), "123,456");
        assert_eq!(grouped(1_234_567), "1,234,567");
    }
}
