//! A storage server for tests: it serves and takes objects as Supabase Storage does, and goes wrong
//! as it is told.

#[path = "../support/http.rs"]
mod http;

use std::collections::{BTreeMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use http::Server;

pub const KEY: &str = "sb_secret_do-not-tell-anybody";

/// What becomes of an upload instead of being stored.
pub enum Fault {
    Error(u16),
    /// Stored with some bytes changed, and said to be fine.
    Corrupt,
    /// Half of it is stored, and the connection breaks.
    Half,
    /// Sent elsewhere.
    Redirect(String),
    /// Announced, and never answered.
    Silence(Sender<()>),
}

/// A request's method and path, its headers in lower case, and its body.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Default)]
struct State {
    /// By bucket and path.
    objects: BTreeMap<String, Vec<u8>>,
    requests: Vec<Request>,
    faults: VecDeque<Fault>,
    /// Served in the place of an object to whoever asks past the caches.
    other: Option<Vec<u8>>,
}

pub struct Stub {
    server: Server,
    state: Arc<Mutex<State>>,
}

impl Stub {
    pub fn start() -> Self {
        let state = Arc::<Mutex<State>>::default();
        let theirs = Arc::clone(&state);
        let server = Server::start(move |stream| serve(stream, &theirs));
        Self { server, state }
    }

    pub fn url(&self) -> String {
        self.server.url()
    }

    pub fn public(&self, name: &str) -> String {
        format!("{}/storage/v1/object/public/{name}", self.url())
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        self.state.lock().unwrap().objects.insert(name.to_owned(), bytes.to_vec());
    }

    pub fn object(&self, name: &str) -> Vec<u8> {
        self.state.lock().unwrap().objects[name].clone()
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.state.lock().unwrap().faults.extend(faults);
    }

    pub fn serve_fresh(&self, bytes: &[u8]) {
        self.state.lock().unwrap().other = Some(bytes.to_vec());
    }

    pub fn requests(&self) -> Vec<Request> {
        self.state.lock().unwrap().requests.clone()
    }

    pub fn uploads(&self) -> Vec<Request> {
        self.requests().into_iter().filter(|request| request.method == "PUT").collect()
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = read(&mut stream) else { return };
    state.lock().unwrap().requests.push(request.clone());
    let answer = match request.method.as_str() {
        "GET" => get(&request, &state.lock().unwrap()),
        "PUT" => {
            let fault = state.lock().unwrap().faults.pop_front();
            let Some(answer) = put(&request, fault, state, &mut stream) else { return };
            answer
        }
        _ => answer("405 Method Not Allowed", b""),
    };
    let _ = stream.write_all(&answer);
}

fn get(request: &Request, state: &State) -> Vec<u8> {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let object =
        path.strip_prefix("/storage/v1/object/public/").and_then(|it| state.objects.get(it));
    let fresh = state.other.as_ref().filter(|_| query.starts_with("frieze="));
    match (object, fresh) {
        (None, _) => answer("404 Not Found", b""),
        (Some(_), Some(other)) => answer("200 OK", other),
        (Some(object), None) => answer("200 OK\r\nCache-Control: max-age=7200", object),
    }
}

/// Nothing where no answer is given.
fn put(
    request: &Request,
    fault: Option<Fault>,
    state: &Mutex<State>,
    stream: &mut TcpStream,
) -> Option<Vec<u8>> {
    let store = |bytes: &[u8]| {
        let name = request.path.strip_prefix("/storage/v1/object/").unwrap().to_owned();
        state.lock().unwrap().objects.insert(name, bytes.to_vec());
    };
    let header = |name: &str| request.headers.get(name).map(String::as_str);
    if header("authorization") != Some(&format!("Bearer {KEY}")) || header("apikey") != Some(KEY) {
        // As the Storage API does, and with what a careless server might say.
        let said = header("apikey").unwrap_or_default();
        let body = format!(r#"{{"statusCode":"403","error":"Unauthorized","message":"{said}"}}"#);
        return Some(answer("400 Bad Request", body.as_bytes()));
    }
    match fault {
        None => store(&request.body),
        Some(Fault::Error(status)) => return Some(answer(&format!("{status} Error"), b"")),
        Some(Fault::Corrupt) => {
            let mut bytes = request.body.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 0xff;
            store(&bytes);
        }
        Some(Fault::Half) => {
            store(&request.body[..request.body.len() / 2]);
            return None;
        }
        Some(Fault::Redirect(to)) => {
            return Some(answer(&format!("307 Temporary Redirect\r\nLocation: {to}"), b""));
        }
        Some(Fault::Silence(sender)) => {
            sender.send(()).unwrap();
            // Until the client goes.
            let _ = stream.read(&mut [0]);
            return None;
        }
    }
    Some(answer("200 OK", br#"{"Key":"stored"}"#))
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers = lines.filter_map(|line| line.split_once(": "));
    let headers: BTreeMap<_, _> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Request { method, path, headers, body })
}
