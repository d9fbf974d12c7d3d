//! When a download is tried again, and after how long.

use std::time::Duration;

use backon::ExponentialBuilder;
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::failure::Failure;

/// Tries after the first one.
const AGAIN: usize = 2;

/// A server that asks for more patience is not tried again in this build.
const PATIENCE: Duration = Duration::from_secs(30);

pub fn backoff(delay: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(delay).with_max_times(AGAIN).with_jitter()
}

pub fn is_worthwhile(failure: &Failure) -> bool {
    match failure {
        Failure::Final(_) => false,
        Failure::Passing { after, .. } => after.is_none_or(|after| after <= PATIENCE),
    }
}

/// The server's wish goes before our own plan, but makes no more tries.
pub fn pause(failure: &Failure, planned: Option<Duration>) -> Option<Duration> {
    match failure {
        Failure::Passing { after: Some(after), .. } => planned.and(Some(*after)),
        _ => planned,
    }
}

/// How long a server asks to be left alone.
pub fn asked_for(headers: &HeaderMap) -> Option<Duration> {
    wait(headers.get(RETRY_AFTER)?.to_str().ok()?, Utc::now())
}

/// In seconds, or until a date; one that has passed asks for no wait.
fn wait(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.to_utc() - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const NOW: Option<Duration> = Some(Duration::ZERO);
    const SOON: Option<Duration> = Some(Duration::from_secs(1));
    const LATER: Option<Duration> = Some(Duration::from_secs(20));

    fn asking(after: Option<Duration>) -> Failure {
        Failure::Passing { error: Error::content("busy"), after }
    }

    #[test]
    fn a_server_asks_in_seconds_or_by_date() {
        let now = "2026-01-01T12:00:00Z".parse().unwrap();
        assert_eq!(wait("1", now), SOON);
        assert_eq!(wait("Thu, 01 Jan 2026 12:00:20 GMT", now), LATER);
        assert_eq!(wait("Thu, 01 Jan 2026 11:00:00 GMT", now), NOW);
        assert_eq!(wait("soon", now), None);
    }

    #[test]
    fn the_servers_wish_goes_before_the_plan() {
        assert_eq!(pause(&asking(LATER), SOON), LATER);
        assert_eq!(pause(&asking(NOW), SOON), NOW);
        assert_eq!(pause(&asking(None), SOON), SOON);
        assert_eq!(pause(&asking(LATER), None), None);
    }

    #[test]
    fn only_passing_trouble_is_worth_another_try() {
        assert!(is_worthwhile(&asking(None)));
        assert!(is_worthwhile(&asking(Some(PATIENCE))));
        assert!(!is_worthwhile(&asking(Some(PATIENCE + Duration::from_secs(1)))));
        assert!(!is_worthwhile(&Failure::Final(Error::content("gone"))));
    }
}
