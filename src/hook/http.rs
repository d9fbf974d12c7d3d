//! The server: three paths, and bounds on everything a stranger could make large or slow.

mod health;
mod receive;

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use super::Receiver;
pub use receive::Unverified;

const MOST_CONNECTIONS: usize = 256;
const MOST_HEAD: usize = 16 << 10;
const HEAD: Duration = Duration::from_secs(10);
/// How long answers may take once the receiver stops.
const LEAVE: Duration = Duration::from_secs(15);

type Answer = Response<Full<Bytes>>;

/// Answers requests until the receiver is asked to stop.
pub async fn run(listener: TcpListener, receiver: Arc<Receiver>) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut stop = pin!(receiver.asked(1));
    loop {
        let place = tokio::select! {
            () = &mut stop => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => accepted,
        };
        while connections.try_join_next().is_some() {}
        match (accepted, place) {
            (Ok((stream, _)), Ok(place)) => {
                connections.spawn(connection(stream, Arc::clone(&receiver), place));
            }
            (Err(error), _) => {
                tracing::warn!("a connection was not accepted: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            (_, Err(_)) => break,
        }
    }
    drop(listener);
    let left = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(LEAVE, left).await;
}

async fn connection(stream: TcpStream, receiver: Arc<Receiver>, _place: OwnedSemaphorePermit) {
    let answering = Arc::clone(&receiver);
    let service = service_fn(move |request| {
        let receiver = Arc::clone(&answering);
        async move { Ok::<_, Infallible>(answer(&receiver, request).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(MOST_HEAD);
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
    let done = tokio::select! {
        done = connection.as_mut() => done,
        () = receiver.asked(1) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = done {
        tracing::debug!("a connection broke: {error}");
    }
}

/// Only who is known to tell of changes may ask again on the same connection: nobody else can keep
/// one of the places by asking on and on and reading nothing.
async fn answer(receiver: &Receiver, request: Request<Incoming>) -> Answer {
    let get = matches!(*request.method(), Method::GET | Method::HEAD);
    let path = request.uri().path();
    let is_hook = path == "/hook";
    let mut answer = match path {
        "/hook" if request.method() == Method::POST => receive::hook(receiver, request).await,
        "/hook" => not_allowed("POST"),
        "/health" if get => health::health(receiver),
        "/metrics" if get => health::metrics(receiver),
        "/health" | "/metrics" => not_allowed("GET, HEAD"),
        _ => refusal(StatusCode::NOT_FOUND, "there is nothing here"),
    };
    if !is_hook || !answer.status().is_success() {
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

fn not_allowed(methods: &'static str) -> Answer {
    let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "another method is wanted");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(methods));
    answer
}

fn refusal(status: StatusCode, why: &str) -> Answer {
    said(status, &json!({"error": why}))
}

fn said(status: StatusCode, value: &serde_json::Value) -> Answer {
    let mut answer = Response::new(Full::from(value.to_string()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
