//! A small HTTP server that behaves like a project's public storage: `ETag`s, and faults on demand.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Storage {
    port: u16,
    not_modified: Arc<AtomicUsize>,
}

pub struct Answer {
    status: u16,
    media_type: &'static str,
    body: Vec<u8>,
}

impl Answer {
    pub fn image(media_type: &'static str, body: Vec<u8>) -> Self {
        Self { status: 200, media_type, body }
    }

    pub fn status(status: u16) -> Self {
        Self { status, media_type: "application/json", body: b"{}".to_vec() }
    }
}

impl Storage {
    /// Serves what `answer` gives for each request, which it numbers.
    pub fn start(answer: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let not_modified = Arc::new(AtomicUsize::new(0));
        let (counted, answer, number) =
            (not_modified.clone(), Arc::new(answer), Arc::new(AtomicUsize::new(0)));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, counted, number) = (answer.clone(), counted.clone(), number.clone());
                std::thread::spawn(move || {
                    let answer = answer(number.fetch_add(1, Ordering::SeqCst));
                    let _ = serve(stream, &answer, &counted);
                });
            }
        });
        Self { port, not_modified }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// How often a request was answered by "not modified".
    pub fn not_modified(&self) -> usize {
        self.not_modified.load(Ordering::SeqCst)
    }
}

fn serve(mut stream: TcpStream, answer: &Answer, counted: &AtomicUsize) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let etag = format!("\"{:x}\"", answer.body.len());
    let (mut line, mut known) = (String::new(), false);
    while reader.read_line(&mut line)? > 2 {
        let header = line.to_ascii_lowercase();
        known |= header.starts_with("if-none-match:") && header.contains(&etag);
        line.clear();
    }
    if known && answer.status == 200 {
        counted.fetch_add(1, Ordering::SeqCst);
        return write!(
            stream,
            "HTTP/1.1 304 Not Modified\r\nETag: {etag}\r\nConnection: close\r\n\r\n"
        );
    }
    let (status, length) = (answer.status, answer.body.len());
    write!(
        stream,
        "HTTP/1.1 {status} Answer\r\nContent-Type: {}\r\nContent-Length: {length}\r\nETag: {etag}\r\nConnection: close\r\n\r\n",
        answer.media_type
    )?;
    stream.write_all(&answer.body)
}
