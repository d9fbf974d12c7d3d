//! What the receiver says of itself.

use http_body_util::Full;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};

use super::{Answer, refusal, said};
use crate::config::Hook;
use crate::hook::Receiver;
use crate::hook::rule::Rule;
use crate::hook::state::State;

/// A deployment that is due for so long and does not run never will, in milliseconds.
const LATE: i64 = 60_000;

pub fn health(receiver: &Receiver) -> Answer {
    let hook = &receiver.config.hook;
    let (status, mut value) = receiver.journal.look(|state, now| tell(hook, state, now));
    if let Value::Object(fields) = &mut value {
        fields.insert("poll_error".to_owned(), json!(receiver.poll_error()));
    }
    said(status, &value)
}

fn tell(hook: &Hook, state: &State, now: i64) -> (StatusCode, Value) {
    let due = Rule::of(hook).due(state);
    let is_stuck = !state.is_running() && due.is_some_and(|due| now.saturating_sub(due) > LATE);
    let (status, word) =
        if is_stuck { (StatusCode::SERVICE_UNAVAILABLE, "stuck") } else { (StatusCode::OK, "ok") };
    let value = json!({
        "status": word,
        "version": env!("CARGO_PKG_VERSION"),
        "pending": state.pending.as_ref().map_or(0, |pending| pending.count),
        "deploying": state.is_running(),
        "due": due.and_then(time),
        "deployed": state.last_success.and_then(time),
        "failures": state.failures,
        "spent": state.spent_by(now),
        "budget": hook.per_day,
    });
    (status, value)
}

fn time(milliseconds: i64) -> Option<String> {
    let time = chrono::DateTime::from_timestamp_millis(milliseconds)?;
    Some(time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}

pub fn metrics(receiver: &Receiver) -> Answer {
    let text = match receiver.journal.look(|state, now| receiver.metrics.text(state, now)) {
        Ok(text) => text,
        Err(error) => return refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    };
    let mut answer = Response::new(Full::from(text));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::rule::DAY;
    use crate::hook::state::Entry;

    #[test]
    fn who_should_deploy_and_does_not_is_not_well() {
        let hook = crate::hook::tests::config("[hook]\nquiet_seconds = 60\n").hook;
        let mut state = State::default();
        assert_eq!(tell(&hook, &state, 0).0, StatusCode::OK);
        state.apply(Entry::Change { at: 0, table: "t".to_owned(), id: None });
        assert_eq!(tell(&hook, &state, 60_000 + LATE).0, StatusCode::OK);
        let (status, value) = tell(&hook, &state, 60_001 + LATE);
        assert_eq!(
            (status, value["status"].as_str()),
            (StatusCode::SERVICE_UNAVAILABLE, Some("stuck"))
        );
        state.apply(Entry::Begun { at: 60_002 + LATE });
        assert_eq!(tell(&hook, &state, DAY).0, StatusCode::OK, "it is at it");
        state.apply(Entry::Ended { at: DAY, ok: true, counts: true });
        assert_eq!(tell(&hook, &state, 2 * DAY).1["spent"], 0, "of the last 24 hours");
    }
}
