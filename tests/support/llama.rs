//! A real llama.cpp server with a tiny model, for tests. Its folder is that of `FRIEZE_TEST_LLAMA`,
//! or what `scripts/test-llama.sh` fetches, once.
//!
//! - `Llama::start(&["--api-key", "…"])` serves until it is dropped, with more options of
//!   llama-server or none.
//! - `url()` is the base URL of a `llama` provider; the model is called `tiny`. A token is about a
//!   byte of text: ask for answers of 400 tokens or more. Its context holds 16384 of them, and a
//!   text to embed 2048.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FETCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-llama.sh");
const OPTIONS: &str = "--embeddings --pooling mean -c 16384 -ub 2048 -np 1 -t 1 -a tiny";

/// Longer than it takes to load the model, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(4);

/// It goes when this process does, however that ends: the shell waits for the end of its input.
const SERVE: &str = r#"
"$0" "$@" &
server=$!
read -r _ || true
kill $server
wait $server || true
"#;

pub struct Llama {
    server: Child,
    url: String,
}

impl Llama {
    pub fn start(options: &[&str]) -> Self {
        let folder = folder();
        let mut command = Command::new("sh");
        command
            .args(["-c", SERVE])
            .arg(folder.join("llama-server"))
            .arg("-m")
            .arg(folder.join("tiny.gguf"))
            .args(OPTIONS.split(' '))
            .args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        // Its log says the port, too, but two threads' lines may run together there.
        let held = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = held.local_addr().expect("its number").port();
        drop(held);
        let mut server = command.arg("--port").arg(port.to_string()).spawn().expect("llama-server");
        let mut log = server.stderr.take().expect("its log");
        // A log that nobody reads would stop it in the end.
        let said = std::thread::spawn(move || {
            let mut said = Vec::new();
            let _ = log.read_to_end(&mut said);
            said
        });
        let begun = Instant::now();
        while !is_well(port) {
            if begun.elapsed() > PATIENCE {
                drop(server.stdin.take());
                let said = said.join().unwrap_or_default();
                panic!("llama-server does not start: {}", String::from_utf8_lossy(&said));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { server, url: format!("http://127.0.0.1:{port}") }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Whether it answers, with its model loaded.
fn is_well(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let asked = stream.write_all(b"GET /health HTTP/1.0\r\n\r\n");
    let mut answer = String::new();
    let answered = stream.read_to_string(&mut answer);
    asked.is_ok() && answered.is_ok() && answer.starts_with("HTTP/1.1 200")
}

impl Drop for Llama {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

fn folder() -> PathBuf {
    if let Some(named) = std::env::var_os("FRIEZE_TEST_LLAMA") {
        return PathBuf::from(named);
    }
    // target/debug/deps/this-test
    let test = std::env::current_exe().expect("this program's path");
    fetched(test.ancestors().nth(3).expect("a target folder"))
}

/// Test processes wait for each other here, so that only the first has to fetch it.
fn fetched(target: &Path) -> PathBuf {
    let lock = File::create(target.join("test-llama.lock")).expect("a lock file");
    lock.lock().expect("a lock");
    let mut fetch = Command::new("sh");
    fetch.arg(FETCH).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    let output = fetch.output().expect("a shell");
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no llama.cpp for the tests: {FETCH} failed:\n{why}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
