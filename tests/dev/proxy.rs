//! A line to the database that can be cut, or swallow everything, as networks do.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

/// What becomes of what is sent.
#[derive(Clone, Copy, PartialEq)]
pub enum Line {
    Through,
    /// Every connection ends, and a new one at once.
    Cut,
    /// Nothing arrives, and nobody says so.
    Silent,
}

pub struct Proxy {
    port: u16,
    line: Arc<AtomicU8>,
}

impl Proxy {
    /// Between here and a server on this machine.
    pub fn to(url: &str, line: Line) -> Self {
        let to = url::Url::parse(url).unwrap().port().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(AtomicU8::new(line as u8));
        let proxy = Self { port, line: Arc::clone(&state) };
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                std::thread::spawn(move || connection(client, to, &state));
            }
        });
        proxy
    }

    /// The same address by way of this line.
    pub fn url(&self, url: &str) -> String {
        let mut url = url::Url::parse(url).unwrap();
        url.set_port(Some(self.port)).unwrap();
        url.to_string()
    }

    pub fn set(&self, line: Line) {
        self.line.store(line as u8, Ordering::SeqCst);
    }
}

fn connection(client: TcpStream, to: u16, state: &Arc<AtomicU8>) {
    let is = |line: Line| state.load(Ordering::SeqCst) == line as u8;
    // It is not even greeted.
    while is(Line::Silent) {
        std::thread::sleep(Duration::from_millis(5));
    }
    if is(Line::Cut) {
        return;
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { return };
    let (from, back) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let hers = Arc::clone(state);
    std::thread::spawn(move || pass(from, back, &hers));
    pass(server, client, state);
}

/// One direction, until either end or the line is closed. What came while it was silent is lost,
/// and the connection with it.
fn pass(mut from: TcpStream, mut to: TcpStream, state: &AtomicU8) {
    from.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    let mut bytes = [0; 8192];
    let mut lost = false;
    while state.load(Ordering::SeqCst) != Line::Cut as u8 {
        match from.read(&mut bytes) {
            Ok(0) => break,
            Ok(_) if lost || state.load(Ordering::SeqCst) == Line::Silent as u8 => lost = true,
            Ok(count) if to.write_all(&bytes[..count]).is_err() => break,
            Err(error) if !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break;
            }
            _ => {}
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
