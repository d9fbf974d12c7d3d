//! `frieze enrich stats`.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use sqlx::PgConnection;

use super::aligned;
use crate::cli::{Global, output};
use crate::enrich::queue::{self, Since, Stats};
use crate::error::Result;

/// Show what models did: calls, failures, tokens, cost and times
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How far to look back: days, or 90m, 12h, 30d, 8w; or from when on, as in 2026-11-01
    #[arg(long, value_name = "SINCE", default_value = "30d", value_parser = since)]
    since: Since,
}

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;
/// A hundred years.
const LONGEST: u64 = 36_500 * DAY;

const HEAD: [&str; 11] = [
    "provider",
    "task type",
    "calls",
    "cached",
    "failed",
    "tokens in",
    "tokens out",
    "cost",
    "p50 ms",
    "p95 ms",
    "p99 ms",
];

pub async fn run(global: &Global, args: &Args, connection: &mut PgConnection) -> Result<()> {
    let all = queue::stats(connection, args.since).await?;
    if global.json {
        return output::json(&all);
    }
    if all.total.calls == 0 {
        return output::line(&format!("No model was asked {}", span(args.since)));
    }
    let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
    rows.extend(all.by.iter().map(row));
    rows.push(row(&all.total));
    output::line(&aligned(&rows))
}

fn since(text: &str) -> Result<Since, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Since::At(time.to_utc()));
    }
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(Since::At(date.and_time(NaiveTime::MIN).and_utc()));
    }
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "m" => MINUTE,
        "h" => 60 * MINUTE,
        "" | "d" => DAY,
        "w" => 7 * DAY,
        _ => 0,
    };
    let seconds = digits.parse().ok().and_then(|count: u64| count.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=LONGEST) => Ok(Since::Back(Duration::from_secs(seconds))),
        _ => Err("write a number of days, or as in 90m, 12h, 30d, 8w, 2026-11-01".to_owned()),
    }
}

fn span(since: Since) -> String {
    let seconds = match since {
        Since::At(time) => return format!("since {}", moment(time)),
        Since::Back(duration) => duration.as_secs(),
    };
    let units = [(DAY, "day"), (60 * MINUTE, "hour"), (MINUTE, "minute")];
    let whole = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
    let (unit, name) = whole.unwrap_or((1, "second"));
    let count = usize::try_from(seconds / unit).unwrap_or(usize::MAX);
    format!("in the last {}", output::count(count, name))
}

fn moment(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn row(stats: &Stats) -> Vec<String> {
    let known = |number: Option<f64>, digits: usize| {
        number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
    };
    vec![
        stats.provider.clone().unwrap_or_else(|| "all".to_owned()),
        stats.task_type.clone().unwrap_or_default(),
        stats.calls.to_string(),
        stats.cached.to_string(),
        stats.failures.to_string(),
        stats.tokens_in.to_string(),
        stats.tokens_out.to_string(),
        known(stats.cost, 4),
        known(stats.p50_ms, 0),
        known(stats.p95_ms, 0),
        known(stats.p99_ms, 0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_several_ways() {
        let back = |text| match since(text).unwrap() {
            Since::Back(duration) => duration.as_secs(),
            Since::At(time) => panic!("{time}"),
        };
        assert_eq!([back("7"), back("7d"), back("1w")], [7 * DAY; 3]);
        assert_eq!([back("90m"), back("12h")], [5_400, 43_200]);
        let at = |text| match since(text).unwrap() {
            Since::At(time) => time.to_rfc3339(),
            Since::Back(duration) => panic!("{duration:?}"),
        };
        assert_eq!(at("2026-11-01"), "2026-11-01T00:00:00+00:00");
        assert_eq!(at("2026-11-01T10:00:00+02:00"), "2026-11-01T08:00:00+00:00");
        for wrong in
            ["", "0", "-1", "h", "7 d", "7y", "36501", "99999999999999999999d", "yesterday"]
        {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn it_is_told_back_in_words() {
        let words = |text| span(since(text).unwrap());
        assert_eq!(words("30"), "in the last 30 days");
        assert_eq!(words("1d"), "in the last 1 day");
        assert_eq!(words("12h"), "in the last 12 hours");
        assert_eq!(words("90m"), "in the last 90 minutes");
        assert_eq!(words("2026-11-01"), "since 2026-11-01 00:00 UTC");
    }
}
