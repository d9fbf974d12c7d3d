//! A running receiver, and how it is talked to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use hmac::{Hmac, Mac as _};

use crate::PATIENCE;
use crate::site::Site;

pub const SECRET: &str = "a secret for the tests";

/// A running `frieze hook serve`.
pub struct Receiver {
    pub child: Child,
    pub port: u16,
}

impl Receiver {
    pub fn start(site: &Site, env: &[(&str, &str)]) -> Self {
        Self::start_with(site, &["-v"], env)
    }

    pub fn start_with(site: &Site, options: &[&str], env: &[(&str, &str)]) -> Self {
        let arguments = [options, &["hook", "serve", "--listen", "127.0.0.1:0"]].concat();
        let mut command = site.command(&arguments);
        // For measurements.
        if let Some(program) = std::env::var_os("FRIEZE_PROGRAM") {
            command = std::process::Command::new(program);
            command.args(["-C", site.root.to_str().unwrap()]).args(&arguments);
        }
        command.env("FRIEZE_HOOK_SECRET", SECRET).envs(env.iter().copied());
        let log = site.root.join("receiver.log");
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().trim_end_matches("/hook").rsplit(':').next().unwrap().parse();
        let port = port.unwrap_or_else(|_| {
            let log = std::fs::read_to_string(site.root.join("receiver.log")).unwrap();
            panic!("no receiver: {line}{log}")
        });
        Self { child, port }
    }

    /// Sends bytes and gives what comes back.
    pub fn raw(&self, request: &[u8]) -> String {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return String::new();
        };
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub fn post(&self, headers: &str, body: &str) -> u16 {
        let request = format!(
            "POST /hook HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
            body.len()
        );
        status(&self.raw(request.as_bytes()))
    }

    pub fn health(&self) -> serde_json::Value {
        let answer = self.get("/health");
        serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
    }

    pub fn pending(&self) -> u64 {
        self.health()["pending"].as_u64().unwrap()
    }

    /// The value of a counter or gauge.
    pub fn metric(&self, name: &str) -> u64 {
        let text = self.get("/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Waits until something is true of its health.
    pub fn until(&self, what: &str, is_so: impl Fn(&serde_json::Value) -> bool) {
        let begun = Instant::now();
        loop {
            let health = self.health();
            if is_so(&health) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "not {what}: {health}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until nothing is pending or under way: then nothing will follow.
    pub fn settle(&self) {
        self.until("settled", |health| {
            health["pending"] == 0 && health["deploying"] == false && health["due"].is_null()
        });
    }

    /// Waits for so many further looks into the database.
    pub fn wait_for_polls(&self, count: u64) {
        const POLLS: &str = "frieze_hook_polls_total{outcome=\"succeeded\"}";
        let (begun, last) = (Instant::now(), self.metric(POLLS) + count);
        while self.metric(POLLS) < last {
            assert!(begun.elapsed() < PATIENCE, "it does not look");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn memory(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = text.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub fn get(&self, path: &str) -> String {
        self.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes())
    }

    /// A webhook as Supabase sends it, with the secret in a header.
    pub fn tell(&self, table: &str) -> u16 {
        self.post(&format!("X-Frieze-Secret: {SECRET}\r\n"), &webhook(table))
    }

    /// As a person or a service manager stops it.
    pub fn terminate(&self) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
    }

    pub fn stop(mut self) -> bool {
        self.terminate();
        self.child.wait().unwrap().success()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

pub fn webhook(table: &str) -> String {
    format!(
        r#"{{"type":"UPDATE","table":"{table}","schema":"public","record":{{"id":1,"title":"new"}},"old_record":{{"id":1,"title":"old"}}}}"#
    )
}

/// A small site with this under `[hook]`.
pub fn site(hook: &str) -> Site {
    let site = Site::small();
    site.edit("frieze.toml", "[layouts]", &format!("[hook]\n{hook}\n\n[layouts]"));
    site
}

/// The headers that sign a body.
pub fn signed(id: &str, sent: i64, body: &str, secret: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{id}.{sent}.{body}").as_bytes());
    let right = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    format!("webhook-id: {id}\r\nwebhook-timestamp: {sent}\r\nwebhook-signature: v1,{right}\r\n")
}

pub fn now() -> i64 {
    chrono::Utc::now().timestamp()
}
