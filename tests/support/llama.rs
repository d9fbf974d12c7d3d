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
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const FETCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-llama.sh");
const OPTIONS: &str = "--port 0 --embeddings --pooling mean -c 16384 -ub 2048 -np 1 -t 1 -a tiny";

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
        let mut server = command.spawn().expect("llama-server");
        let log = BufReader::new(server.stderr.take().expect("its log"));
        let mut lines = log.lines();
        let mut said = Vec::new();
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("llama-server does not start: {}", said.join("\n"));
            };
            if let Some((_, url)) = line.split_once("listening on ") {
                break address(url);
            }
            said.push(line);
        };
        // A log that nobody reads would stop it in the end.
        std::thread::spawn(move || lines.for_each(drop));
        Self { server, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }
}

/// Up to the port, which is one of five digits: another thread's line may follow without a break.
fn address(url: &str) -> String {
    let (host, rest) = url.trim().rsplit_once("127.0.0.1:").expect("an address of this machine");
    let port: String = rest.chars().take_while(char::is_ascii_digit).take(5).collect();
    format!("{host}127.0.0.1:{port}")
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
