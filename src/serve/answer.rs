//! Answers to requests, as values; and their bodies on the wire.

use std::convert::Infallible;
use std::sync::Arc;

use futures_util::StreamExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode, header};

use super::throttle::{Line, PIECE};

pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// An answer whose body is known.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Answer {
    pub fn new(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![("Content-Type", media_type.to_owned())];
        Self { status, headers, body: body.into() }
    }

    pub fn text(status: StatusCode, text: &str) -> Self {
        let answer = Self::new(status, "text/plain; charset=utf-8", format!("{text}\n"));
        answer.with("X-Content-Type-Options", "nosniff").with("Cache-Control", "no-store")
    }

    /// Of dev mode's own: never kept, and nobody else's to read.
    pub fn own(status: StatusCode, media_type: &str, body: impl Into<Bytes>) -> Self {
        Self::new(status, media_type, body)
            .with("Cache-Control", "no-store")
            .with("X-Content-Type-Options", "nosniff")
            .with("Cross-Origin-Resource-Policy", "same-origin")
            .with("Referrer-Policy", "no-referrer")
            .with(
                "Content-Security-Policy",
                "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                 connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            )
    }

    pub fn to(status: StatusCode, location: &str) -> Self {
        Self::text(status, location).with("Location", location)
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name, value.into()));
        self
    }

    /// On its way, as fast as the line allows.
    pub fn send(self, line: Option<Arc<Line>>, head: bool) -> Response<Body> {
        let length = self.body.len();
        let body = match line {
            _ if head => full(Bytes::new()),
            Some(line) => slowly(self.body, line),
            None => full(self.body),
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        for (name, value) in self.headers {
            let name = HeaderName::try_from(name);
            // What came from content may hold what no header can.
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value)) {
                headers.insert(name, value);
            }
        }
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        response
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).boxed_unsync()
}

fn slowly(bytes: Bytes, line: Arc<Line>) -> Body {
    let pieces = futures_util::stream::unfold(Some(bytes), move |rest| {
        let line = Arc::clone(&line);
        async move {
            let mut rest = rest?;
            let piece = rest.split_to(rest.len().min(PIECE));
            tokio::time::sleep_until(line.send(piece.len())).await;
            let rest = Some(rest).filter(|rest| !rest.is_empty());
            Some((Ok(Frame::data(piece)), rest))
        }
    });
    StreamBody::new(pieces.boxed()).boxed_unsync()
}
