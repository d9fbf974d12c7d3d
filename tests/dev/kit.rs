//! A running server, and a client that sends exactly what it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::site::Site;

/// Longer than anything takes, on a machine that does much else.
pub const PATIENCE: Duration = Duration::from_mins(4);

/// A server; stopped when dropped.
pub struct Server {
    pub port: u16,
    child: Child,
    /// What it prints: one JSON value a line.
    lines: Receiver<Value>,
}

pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} comes twice");
        value
    }
}

impl Server {
    pub fn dev(site: &Site, more: &[&str]) -> Self {
        Self::start(site, "dev", more)
    }

    pub fn start(site: &Site, command: &str, more: &[&str]) -> Self {
        Self::start_at(0, site, command, more)
    }

    /// At a port that is known to be free; at any with 0.
    pub fn start_at(port: u16, site: &Site, command: &str, more: &[&str]) -> Self {
        let port = port.to_string();
        let mut arguments = vec!["--json", command, "--port", &port];
        arguments.extend(more);
        Self::of(site.command(&arguments))
    }

    /// Dev mode with variables of one's own.
    pub fn dev_with(site: &Site, variables: &[(&str, &str)]) -> Self {
        let mut command = site.command(&["--json", "dev", "--port", "0"]);
        command.envs(variables.iter().copied());
        Self::of(command)
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let mut server = Self { port: 0, child, lines };
        let ready = server.told("ready");
        let url = ready["ready"]["local"].as_str().unwrap();
        server.port = url::Url::parse(url).unwrap().port().unwrap();
        server
    }

    /// The process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line with this key; those before it are passed over.
    pub fn told(&self, key: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("the server never told \"{key}\""));
            if line.get(key).is_some() {
                return line;
            }
        }
    }

    /// The next line, whatever it says.
    pub fn line(&self) -> Value {
        self.lines.recv_timeout(PATIENCE).expect("the server tells nothing more")
    }

    /// What was told so far and not asked for yet.
    pub fn all_told(&self) -> Vec<Value> {
        self.lines.try_iter().collect()
    }

    /// What is told until this is.
    pub fn told_until(&self, key: &str, text: &str) -> Vec<Value> {
        let end = Instant::now() + PATIENCE;
        let mut told = Vec::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("never told \"{text}\", only {told:?}"));
            let is_last = line[key].as_str().is_some_and(|said| said.contains(text));
            told.push(line);
            if is_last {
                return told;
            }
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, Some(&format!("127.0.0.1:{}", self.port)))
    }

    pub fn text(&self, path: &str) -> String {
        self.get(path).text().to_owned()
    }

    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask_with("GET", path, Some(&format!("127.0.0.1:{}", self.port)), headers)
    }

    /// A request word by word: no client tidies the path.
    pub fn ask(&self, method: &str, path: &str, host: Option<&str>) -> Answer {
        self.ask_with(method, path, host, &[])
    }

    fn ask_with(
        &self,
        method: &str,
        path: &str,
        host: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let host = host.map_or_else(String::new, |host| format!("Host: {host}\r\n"));
        let more: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let more = more.concat();
        write!(stream, "{method} {path} HTTP/1.1\r\n{host}{more}Connection: close\r\n\r\n")
            .unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ").unwrap();
            (name.to_owned(), value.to_owned())
        };
        Answer { status, headers: lines.map(header).collect(), body: bytes[end + 4..].to_vec() }
    }

    /// Asks until the answer is as it should be.
    pub fn until(&self, path: &str, good: impl Fn(&Answer) -> bool) -> Answer {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self.get(path);
            if good(&answer) {
                return answer;
            }
            assert!(
                Instant::now() < end,
                "{path} never became as it should: {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn until_holds(&self, path: &str, text: &str) -> Answer {
        self.until(path, |answer| String::from_utf8_lossy(&answer.body).contains(text))
    }

    pub fn until_lacks(&self, path: &str, text: &str) -> Answer {
        self.until(path, |answer| !String::from_utf8_lossy(&answer.body).contains(text))
    }

    /// Waits until the database tells of rows.
    pub fn until_listening(&self) {
        self.until_holds("/_frieze/", "as told by triggers");
    }

    /// What is wrong with a page, as it is shown over it; empty where all is well.
    pub fn fault(&self, path: &str) -> String {
        self.text(&format!("/_frieze/fault?path={path}"))
    }

    /// A page that is open: what it is told.
    pub fn open(&self, path: &str) -> Page {
        let at = at(&self.text(path));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let port = self.port;
        write!(
            stream,
            "GET /_frieze/events?at={at}&path={path} HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
        )
        .unwrap();
        let mut page = Page(BufReader::new(stream));
        while !page.line().starts_with("retry:") {}
        page
    }

    /// Waits until what is wrong with the site as a whole, or with the page, says so.
    pub fn until_fault(&self, path: &str, text: &str) {
        self.until_holds(&format!("/_frieze/fault?path={path}"), text);
    }

    /// Waits until nothing is wrong with it.
    pub fn until_well(&self, path: &str) {
        self.until(&format!("/_frieze/fault?path={path}"), |answer| answer.status == 204);
    }

    /// Sends a signal, as a service manager or a person at a terminal does.
    pub fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits until nobody answers any more.
    pub fn until_closed(&self) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            assert!(Instant::now() < end, "the server goes on answering");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks it to stop; how it ended.
    pub fn stop(self) -> Option<i32> {
        self.signal("-TERM");
        self.ended()
    }

    /// How it ended, once it has.
    pub fn ended(mut self) -> Option<i32> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < end, "the server does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The state a page was made of.
pub fn at(html: &str) -> String {
    let (_, rest) = html.rsplit_once("data-at=\"").expect("the script that listens");
    rest.split('"').next().unwrap().to_owned()
}

/// A page without the script that listens.
pub fn page_of(answer: &Answer) -> &[u8] {
    let html = answer.text();
    let script =
        format!("<script src=\"/_frieze/client.js\" data-at=\"{}\" async></script>", at(html));
    let missing = script.replace(" async>", " data-missing async>");
    html.strip_suffix(&script).or_else(|| html.strip_suffix(&missing)).unwrap().as_bytes()
}

fn lines(stdout: ChildStdout) -> Receiver<Value> {
    let (send, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
            if send.send(value).is_err() {
                return;
            }
        }
    });
    lines
}

/// An open page's events.
pub struct Page(BufReader<TcpStream>);

impl Page {
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("an event");
        assert!(!line.is_empty(), "the stream of events ended");
        line.trim_end().to_owned()
    }

    /// The next event.
    pub fn next(&mut self) -> Value {
        loop {
            if let Some(event) = self.line().strip_prefix("data: ") {
                return serde_json::from_str(event).unwrap();
            }
        }
    }
}
