//! Why somebody was chosen, in words, and the line of the log that says so.

use std::time::Duration;

use chrono::{TimeDelta, Utc};

use super::question::Need;
use crate::enrich::Call;

pub const ONLY: &str = "the only one that may be asked";

/// Why the one at this place is asked, after what spoke against those before it.
pub fn reason(index: usize, need: &Need, before: &[String]) -> String {
    if need.provider.is_some() {
        return ONLY.to_owned();
    }
    let place = match index {
        0 => "first".to_owned(),
        1 => "second".to_owned(),
        2 => "third".to_owned(),
        _ => format!("number {}", index + 1),
    };
    if before.is_empty() { place } else { format!("{place}: {}", before.join("; ")) }
}

/// A moment for people.
pub fn until(wait: Duration) -> String {
    let moment = Utc::now() + TimeDelta::from_std(wait).unwrap_or_default();
    format!("until {}", moment.format("%H:%M:%S UTC"))
}

pub fn log(call: &Call) {
    let Call { provider, model, reason, latency, error, .. } = call;
    let took = latency.as_millis();
    match error {
        None => tracing::info!("asked {provider} ({model}), {reason}: answered in {took} ms"),
        Some(error) => {
            let what = error["message"].as_str().unwrap_or_default();
            tracing::info!("asked {provider} ({model}), {reason}: it {what}, after {took} ms");
        }
    }
}
