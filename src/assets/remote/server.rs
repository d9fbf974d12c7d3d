//! A small web server for tests: it answers as it is told and remembers what it was asked.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What happens once an answer's bytes are sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Close,
    /// Nothing more comes, and the connection stays open until the client has enough.
    Silence,
    /// The answer's last bytes come again and again, until the client has enough.
    Endless,
}

pub struct Answer {
    bytes: Vec<u8>,
    ending: Ending,
}

impl Answer {
    /// An answer as it is on the wire, but for the empty line after the head.
    pub fn raw(head: &str, body: &[u8], ending: Ending) -> Self {
        let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
        Self { bytes: [head.as_bytes(), body].concat(), ending }
    }

    pub fn new(head: &str, body: &[u8]) -> Self {
        let head = format!("{head}\r\nContent-Length: {}", body.len());
        Self::raw(&head, body, Ending::Close)
    }

    /// A connection that ends without an answer.
    pub fn none() -> Self {
        Self { bytes: Vec::new(), ending: Ending::Close }
    }
}

/// A request's head, in lower case.
pub struct Request(String);

impl Request {
    pub fn path(&self) -> &str {
        self.0.split(' ').nth(1).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| *found == name).map(|(_, value)| value)
    }
}

type Handler = dyn Fn(usize, &Request) -> Answer + Send + Sync;

pub struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Arc<Request>>>>,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// The handler gets each request with its number, from 0.
    pub fn start(handler: impl Fn(usize, &Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<Arc<Request>>>>::default();
        let stopped = Arc::<AtomicBool>::default();
        let (log, stop, handler) = (requests.clone(), stopped.clone(), Arc::new(handler));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let (log, handler) = (log.clone(), handler.clone());
                std::thread::spawn(move || serve(stream, &log, &*handler));
            }
        });
        Self { address, requests, stopped, thread: Some(thread) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.requests.lock().unwrap().clone()
    }
}

/// From then on connections to its address are refused.
impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Arc<Request>>>, handler: &Handler) {
    let Some(request) = read(&mut stream) else { return };
    let request = Arc::new(request);
    let number = {
        let mut log = log.lock().unwrap();
        log.push(request.clone());
        log.len() - 1
    };
    let Answer { bytes, ending } = handler(number, &request);
    let mut sent = stream.write_all(&bytes);
    match ending {
        Ending::Close => {}
        Ending::Silence => drop(stream.read(&mut [0])),
        Ending::Endless => {
            let last = &bytes[bytes.len().saturating_sub(1_024)..];
            while sent.is_ok() {
                sent = stream.write_all(last);
            }
        }
    }
}

fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    Some(Request(String::from_utf8(head).ok()?.to_ascii_lowercase()))
}
