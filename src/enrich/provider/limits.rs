//! What a provider's headers say of the next request: how many are left, and when there are more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// A provider that asks for a longer wait than a day is asked again after a day.
const LONGEST: Duration = Duration::from_hours(24);
/// Seconds since 1970, where a count of seconds would be thirty years.
const EPOCH: f64 = 1e9;

/// As far as the headers say it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    pub requests: Option<Left>,
    pub tokens: Option<Left>,
}

/// How much is left until it starts anew.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Left {
    pub left: u64,
    pub reset: Duration,
    /// How much there is at all.
    pub of: Option<u64>,
}

pub fn limits(headers: &HeaderMap) -> Limits {
    let requests = left(headers, "x-ratelimit-", "-requests");
    let requests = requests.or_else(|| left(headers, "x-ratelimit-", ""));
    let requests = requests.or_else(|| left(headers, "ratelimit-", ""));
    Limits {
        requests: requests.or_else(|| combined(headers)),
        tokens: left(headers, "x-ratelimit-", "-tokens"),
    }
}

fn left(headers: &HeaderMap, prefix: &str, suffix: &str) -> Option<Left> {
    let value = |what: &str| headers.get(format!("{prefix}{what}{suffix}"))?.to_str().ok();
    let left = number(value("remaining")?)?;
    let of = value("limit").and_then(number);
    Some(Left { left, reset: span(value("reset")?)?, of })
}

/// `RateLimit: "default";r=50;t=30`.
fn combined(headers: &HeaderMap) -> Option<Left> {
    let value = headers.get("ratelimit")?.to_str().ok()?.split(',').next()?;
    let part = |name: &str| {
        value.split(';').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
    };
    Some(Left { left: number(part("r")?)?, reset: span(part("t")?)?, of: None })
}

fn number(text: &str) -> Option<u64> {
    text.split([',', ';']).next()?.trim().parse().ok()
}

/// `retry-after`, in seconds or as a date; nothing where it says neither.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(span) = span(value) {
        return Some(span);
    }
    let date = DateTime::parse_from_rfc2822(value).ok()?;
    let wait = date.with_timezone(&Utc) - Utc::now();
    Some(wait.to_std().unwrap_or_default().min(LONGEST))
}

/// `12`, `7.66s`, `2m59.56s`, `120ms`, or a moment in seconds since 1970.
fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        let since = if seconds >= EPOCH { seconds - epoch_now() } else { seconds };
        return bounded(since);
    }
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        seconds += number * unit(&rest[..end])?;
        rest = &rest[end..];
    }
    if text.is_empty() { None } else { bounded(seconds) }
}

fn unit(name: &str) -> Option<f64> {
    match name {
        "ms" => Some(0.001),
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        "d" => Some(86400.0),
        _ => None,
    }
}

fn epoch_now() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a second more or less")]
    let now = Utc::now().timestamp() as f64;
    now
}

fn bounded(seconds: f64) -> Option<Duration> {
    let longest = LONGEST.as_secs_f64();
    seconds.is_finite().then(|| Duration::from_secs_f64(seconds.clamp(0.0, longest)))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn spans_are_read_as_servers_write_them() {
        let seconds = |text| span(text).map(|span| span.as_secs_f64());
        assert_eq!(seconds("12"), Some(12.0));
        assert_eq!(seconds("7.5s"), Some(7.5));
        assert_eq!(seconds("2m59.5s"), Some(179.5));
        assert_eq!(seconds("500ms"), Some(0.5));
        assert_eq!(seconds("1h1m"), Some(3660.0));
        assert_eq!(seconds("-3"), Some(0.0));
        assert_eq!(seconds("999999"), Some(86400.0));
        for nonsense in ["", "soon", "1x", "s", "8585e5555555558586582s", "NaN", "inf", "1 s"] {
            assert_eq!(span(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn retry_after_is_a_number_or_a_date() {
        let after = |value| retry_after(&headers(&[("retry-after", value)]));
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let date = (Utc::now() + chrono::Duration::seconds(100)).to_rfc2822();
        let date = date.replace("+0000", "GMT");
        let wait = retry_after(&headers(&[("retry-after", &date)])).unwrap();
        assert!(wait.as_secs() > 90 && wait.as_secs() <= 100, "{wait:?}");
        assert_eq!(after("later"), None);
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn what_is_left_is_read_from_every_kind_of_header() {
        let groq = limits(&headers(&[
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "2m0s"),
            ("x-ratelimit-remaining-tokens", "17"),
            ("x-ratelimit-limit-tokens", "6000"),
            ("x-ratelimit-reset-tokens", "7s"),
        ]));
        let span = Duration::from_secs;
        assert_eq!(groq.requests, Some(Left { left: 0, reset: span(120), of: None }));
        assert_eq!(groq.tokens, Some(Left { left: 17, reset: span(7), of: Some(6000) }));
        let others: [&[(&str, &str)]; 3] = [
            &[("x-ratelimit-remaining", "4"), ("x-ratelimit-reset", "9")],
            &[("ratelimit-remaining", "4"), ("ratelimit-reset", "9")],
            &[("ratelimit", "\"api\";r=4;t=9")],
        ];
        for other in others {
            let left = limits(&headers(other)).requests;
            assert_eq!(left, Some(Left { left: 4, reset: span(9), of: None }), "{other:?}");
        }
        let half = headers(&[("x-ratelimit-remaining-requests", "0")]);
        assert_eq!(limits(&half), Limits::default());
    }
}
