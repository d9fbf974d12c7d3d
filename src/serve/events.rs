//! The channel that every open page listens to, as server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::HeaderValue;
use hyper::{Response, header};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender};

use super::answer::Body;

/// What open pages are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum Event {
    /// Files go by other URLs: old and new.
    Swap { at: String, files: Vec<(String, String)> },
    /// The page may be another: look.
    Page { at: String },
    /// What is wrong changed: ask.
    Fault,
}

/// The state that pages are made of now.
#[derive(Debug)]
pub struct Clock {
    /// Tells this run of the server from others.
    boot: u32,
    changes: AtomicU64,
}

impl Default for Clock {
    fn default() -> Self {
        Self { boot: fastrand::u32(..), changes: AtomicU64::new(0) }
    }
}

impl Clock {
    /// As pages and their script know it.
    pub fn at(&self) -> String {
        format!("{:x}-{}", self.boot, self.changes())
    }

    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Everything that was made of the former state is old.
    pub fn moved(&self) {
        self.changes.fetch_add(1, Ordering::AcqRel);
    }
}

/// So many events may wait for a page that is slow to take them; it then looks at everything.
pub const AHEAD: usize = 64;

/// A comment now and then keeps the connection, and finds out whether it is gone.
const BEAT: Duration = Duration::from_secs(20);

/// A stream of events for pages made of the state `known`; begun with what was missed.
pub fn stream(events: &Sender<Event>, clock: &Arc<Clock>, known: Option<&str>) -> Response<Body> {
    let state = State::begin(events, clock, known);
    let frames = futures_util::stream::unfold(state, |mut state| async {
        let text = state.next().await?;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(text))), state))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

struct State {
    events: Receiver<Event>,
    first: Option<Event>,
    greeting: bool,
    clock: Arc<Clock>,
}

impl State {
    /// Listens before it looks what was missed: a change in between comes twice rather than never.
    fn begin(events: &Sender<Event>, clock: &Arc<Clock>, known: Option<&str>) -> Self {
        let events = events.subscribe();
        let at = clock.at();
        let first = known.filter(|known| *known != at).map(|_| Event::Page { at });
        Self { events, first, greeting: true, clock: Arc::clone(clock) }
    }

    async fn next(&mut self) -> Option<String> {
        if std::mem::take(&mut self.greeting) {
            // After the server went, pages try again soon.
            let first = self.first.take().map(|event| written(&event)).unwrap_or_default();
            return Some(format!("retry: 300\n\n{first}"));
        }
        match tokio::time::timeout(BEAT, self.events.recv()).await {
            Err(_) => Some(":\n\n".to_owned()),
            Ok(Ok(event)) => Some(written(&event)),
            Ok(Err(RecvError::Lagged(_))) => Some(written(&Event::Page { at: self.clock.at() })),
            Ok(Err(RecvError::Closed)) => None,
        }
    }
}

fn written(event: &Event) -> String {
    format!("data: {}\n\n", serde_json::to_string(event).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(state: &mut State) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(state.next()).unwrap()
    }

    #[test]
    fn whoever_missed_something_or_is_too_slow_is_told_where_the_site_is_now() {
        let (events, _) = tokio::sync::broadcast::channel(2);
        let clock = Arc::new(Clock::default());
        let known = clock.at();
        let mut current = State::begin(&events, &clock, Some(&known));
        assert_eq!(next(&mut current), "retry: 300\n\n");
        clock.moved();
        let mut late = State::begin(&events, &clock, Some(&known));
        assert!(next(&mut late).contains(&clock.at()));
        for _ in 0..9 {
            clock.moved();
            events.send(Event::Fault).unwrap();
        }
        let told = next(&mut late);
        assert!(told.contains("\"page\"") && told.contains(&clock.at()), "{told}");
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let files = vec![("/a.1.css".to_owned(), "/a.2.css".to_owned())];
        let text = written(&Event::Swap { at: "1".to_owned(), files });
        assert_eq!(
            text,
            "data: {\"kind\":\"swap\",\"at\":\"1\",\"files\":[[\"/a.1.css\",\"/a.2.css\"]]}\n\n"
        );
    }
}
