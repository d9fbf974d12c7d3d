//! A stand-in for a collector of OpenTelemetry, over HTTP with protobuf: what it was sent, read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use prost::Message as _;
use serde_json::{Value, json};

#[derive(Clone)]
pub struct Request {
    pub path: String,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    at: Instant,
}

#[derive(Debug)]
pub struct Span {
    pub name: String,
    pub trace: String,
    pub id: String,
    /// Empty for the first of a trace.
    pub parent: String,
    pub kind: i32,
    /// 0 where nothing is said, 2 for an error.
    pub status: i32,
    pub attributes: BTreeMap<String, Value>,
    pub events: usize,
}

pub struct Collector {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Collector {
    pub fn start() -> Self {
        Self::new(true)
    }

    /// One that listens, and never answers.
    pub fn silent() -> Self {
        Self::new(false)
    }

    fn new(answers: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let theirs = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let requests = Arc::clone(&theirs);
                std::thread::spawn(move || serve(&stream, &requests, answers));
            }
        });
        Self { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// When it got the first request.
    pub fn asked_at(&self) -> Option<Instant> {
        self.requests.lock().unwrap().first().map(|request| request.at)
    }

    fn read(&self) -> Vec<ExportTraceServiceRequest> {
        let requests = self.requests();
        let read = |request: &Request| ExportTraceServiceRequest::decode(&request.body[..]);
        requests.iter().map(|request| read(request).unwrap()).collect()
    }

    pub fn resource(&self) -> BTreeMap<String, Value> {
        let mut sent = self.read().into_iter().flat_map(|request| request.resource_spans);
        attributes(&sent.next().unwrap().resource.unwrap().attributes)
    }

    pub fn spans(&self) -> Vec<Span> {
        let resources = self.read().into_iter().flat_map(|request| request.resource_spans);
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        let spans = scopes.flat_map(|scope| scope.spans);
        spans
            .map(|span| Span {
                name: span.name,
                trace: hex(&span.trace_id),
                id: hex(&span.span_id),
                parent: hex(&span.parent_span_id),
                kind: span.kind,
                status: span.status.map_or(0, |status| status.code),
                attributes: attributes(&span.attributes),
                events: span.events.len(),
            })
            .collect()
    }
}

/// An id, as people read it.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, Value> {
    let value = |one: &KeyValue| match one.value.as_ref().and_then(|it| it.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::BoolValue(is)) => json!(is),
        other => json!(format!("{other:?}")),
    };
    list.iter().map(|one| (one.key.clone(), value(one))).collect()
}

fn serve(stream: &TcpStream, requests: &Mutex<Vec<Request>>, answers: bool) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read(&mut reader) {
        requests.lock().unwrap().push(request);
        if !answers {
            // Until the client goes.
            let _ = reader.read(&mut [0]);
            return;
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        let mut writer = stream;
        if writer.write_all(head.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<&TcpStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request { path, headers, body, at: Instant::now() })
}
