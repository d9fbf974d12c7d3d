//! A real browser, driven over a pipe: messages of JSON, each ended by a zero byte. Its program is
//! that of `FRIEZE_TEST_BROWSER`, or what `scripts/test-browser.sh` fetches, once.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const FETCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-browser.sh");

/// Longer than anything takes, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(4);

/// What a browser is asked while one page goes and the next comes may be lost with the first: it is
/// asked again after so long.
const ONCE: Duration = Duration::from_secs(10);

/// So many bytes in memory are enough for a browser.
const ROOM: u64 = 1 << 30;

/// In the browser's own folder.
const LOG: &str = "log";

/// The pipe's ends are the browser's files 3 and 4.
const START: &str = r#"exec "$0" "$@" 3<&0 4>&1 </dev/null >&2"#;

/// Only pages of this machine are shown, so the browser's own walls, which containers and root do
/// without, may stay down. All tabs are as awake as the one in front, and nothing is tried out on us.
const OPTIONS: &str = "--headless --no-sandbox --disable-gpu --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --no-proxy-server \
    --disable-background-timer-throttling --disable-renderer-backgrounding \
    --disable-backgrounding-occluded-windows --disable-field-trial-config --disable-hang-monitor \
    --window-size=1200,800 --remote-debugging-pipe --enable-logging=stderr";

/// Before any script of a page: what it was told of changes, and whether it was loaded anew.
const NOTES: &str = "window.seen = []; \
    document.addEventListener('frieze:changed', (event) => window.seen.push(event.detail));";

pub struct Browser {
    child: Child,
    commands: RefCell<ChildStdin>,
    messages: Receiver<Value>,
    number: Cell<u64>,
    /// What pages complained of.
    complaints: RefCell<Vec<String>>,
    /// Holds its log, too.
    profile: TempDir,
    _alone: MutexGuard<'static, ()>,
}

pub struct Tab<'a> {
    browser: &'a Browser,
    /// What to attach to.
    target: Value,
    session: RefCell<String>,
}

impl Browser {
    pub fn start() -> Self {
        // Two at one time would only keep each other waiting.
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        // What it keeps aside shall not wait for a disk that others keep busy.
        let memory = Path::new("/dev/shm");
        let is_roomy = rustix::fs::statvfs(memory).is_ok_and(|it| it.f_bavail * it.f_frsize > ROOM);
        let profile = if is_roomy { TempDir::new_in(memory) } else { TempDir::new() }.unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", START]).arg(program()).args(OPTIONS.split_whitespace());
        if !is_roomy {
            command.arg("--disable-dev-shm-usage");
        }
        command.arg(format!("--user-data-dir={}", profile.path().display()));
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(profile.path().join(LOG)).unwrap());
        let mut child = command.spawn().unwrap();
        let commands = RefCell::new(child.stdin.take().unwrap());
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (send, messages) = channel();
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            while output.read_until(0, &mut bytes).is_ok_and(|read| read > 0) {
                let message = serde_json::from_slice(bytes.strip_suffix(b"\0").unwrap_or(&bytes));
                if message.is_ok_and(|message| send.send(message).is_err()) {
                    return;
                }
                bytes.clear();
            }
        });
        let (number, complaints) = Default::default();
        Self { child, commands, messages, number, complaints, profile, _alone: alone }
    }

    fn call(&self, session: Option<&str>, method: &str, parameters: &Value) -> Value {
        self.ask(session, method, parameters, PATIENCE).unwrap_or_else(|| self.gave_up(method))
    }

    /// None where no answer comes in time.
    fn ask(
        &self,
        session: Option<&str>,
        method: &str,
        parameters: &Value,
        patience: Duration,
    ) -> Option<Value> {
        self.number.set(self.number.get() + 1);
        let mut message = json!({"id": self.number.get(), "method": method, "params": parameters});
        if let Some(session) = session {
            message["sessionId"] = session.into();
        }
        write!(self.commands.borrow_mut(), "{message}\0").unwrap();
        let end = Instant::now() + patience;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = match self.messages.recv_timeout(left) {
                Ok(answer) => answer,
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => self.gave_up(method),
            };
            if answer["id"] == message["id"] {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return Some(answer["result"].clone());
            }
            self.listen(&answer);
        }
    }

    fn gave_up(&self, method: &str) -> ! {
        let log = std::fs::read(self.profile.path().join(LOG)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let last: Vec<_> = log.lines().rev().take(30).collect();
        let complaints = self.complaints.borrow();
        panic!("the browser did not answer {method}; {complaints:?}; last of its log: {last:#?}");
    }

    fn listen(&self, event: &Value) {
        let complaint = match event["method"].as_str() {
            Some("Inspector.targetCrashed") => event,
            Some("Runtime.exceptionThrown") => &event["params"]["exceptionDetails"],
            Some("Log.entryAdded") if event["params"]["entry"]["level"] == "error" => {
                &event["params"]["entry"]
            }
            Some("Runtime.consoleAPICalled")
                if ["error", "warning"].map(Value::from).contains(&event["params"]["type"]) =>
            {
                &event["params"]["args"]
            }
            _ => return,
        };
        self.complaints.borrow_mut().push(complaint.to_string());
    }

    /// What pages complained of, but for answers that are no `200` and servers that are away.
    pub fn complaints(&self) -> Vec<String> {
        let all = self.complaints.borrow();
        let expected = ["\"source\":\"network\"", "Failed to fetch"];
        let real = all.iter().filter(|it| !expected.iter().any(|part| it.contains(part)));
        real.cloned().collect()
    }

    pub fn tab(&self, url: &str) -> Tab<'_> {
        self.tab_with(url, "")
    }

    /// A tab in which a script runs before those of the page.
    pub fn tab_with(&self, url: &str, script: &str) -> Tab<'_> {
        let target = self.call(None, "Target.createTarget", &json!({"url": "about:blank"}));
        let target = json!({"targetId": target["targetId"], "flatten": true});
        let session = self.call(None, "Target.attachToTarget", &target);
        let session = RefCell::new(session["sessionId"].as_str().unwrap().to_owned());
        let tab = Tab { browser: self, target, session };
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            tab.call(domain, &json!({}));
        }
        tab.call(
            "Page.addScriptToEvaluateOnNewDocument",
            &json!({"source": format!("{NOTES}; {script}")}),
        );
        tab.goto(url);
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tab<'_> {
    fn call(&self, method: &str, parameters: &Value) -> Value {
        let session = self.session.borrow().clone();
        self.browser.call(Some(&session), method, parameters)
    }

    pub fn goto(&self, url: &str) {
        let loaded = self.call("Page.navigate", &json!({"url": url}));
        assert!(loaded.get("errorText").is_none(), "{url}: {loaded}");
        self.until("document.readyState == 'complete' && location.href != 'about:blank'");
    }

    /// What an expression comes to. It may be asked for more than once.
    pub fn eval(&self, expression: &str) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(value) = self.eval_once(expression) {
                return value;
            }
            if Instant::now() > end {
                self.browser.gave_up(expression);
            }
        }
    }

    /// None where the question was lost; the next one goes another way.
    fn eval_once(&self, expression: &str) -> Option<Value> {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let session = self.session.borrow().clone();
        let answer = self.browser.ask(Some(&session), "Runtime.evaluate", &asked, ONCE);
        let Some(answer) = answer else {
            self.attach_again();
            return None;
        };
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        Some(answer["result"]["value"].clone())
    }

    fn attach_again(&self) {
        let again = self.browser.ask(None, "Target.attachToTarget", &self.target, ONCE);
        if let Some(session) = again.as_ref().and_then(|it| it["sessionId"].as_str()) {
            session.clone_into(&mut self.session.borrow_mut());
        }
    }

    /// Asks until it is so.
    pub fn until(&self, expression: &str) {
        // While one page goes and the next comes, nothing may be there yet.
        let so =
            format!("(() => {{ try {{ return !!({expression}) }} catch {{ return false }} }})()");
        self.until_done(&so, true);
    }

    /// Asks until an expression comes to this in the end.
    pub fn until_done(&self, expression: &str, value: impl Into<Value>) {
        let (end, value) = (Instant::now() + PATIENCE, Some(value.into()));
        loop {
            let now = self.eval_once(expression);
            if now == value {
                return;
            }
            if Instant::now() > end {
                let complaints = self.browser.complaints();
                panic!("{expression} came to {now:?}, never to {value:?}; {complaints:?}");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The text of the panel that lies over the page; empty where there is none.
    pub fn panel(&self) -> String {
        let text = "document.querySelector('frieze-dev')?.shadowRoot.textContent ?? ''";
        self.eval(text).as_str().unwrap().to_owned()
    }

    /// Does what `change` does, and waits until the page was told of it: how it followed.
    pub fn after(&self, change: impl FnOnce()) -> String {
        self.eval("window.seen.length = 0");
        change();
        self.until("window.seen.length");
        self.eval("window.seen[0]").as_str().unwrap().to_owned()
    }

    pub fn size(&self, width: u32, height: u32) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
    }
}

fn program() -> &'static PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(own) = std::env::var_os("FRIEZE_TEST_BROWSER") {
            return own.into();
        }
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut fetch = Command::new("sh");
        fetch.arg(FETCH).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
        let run = fetch.output().unwrap();
        let why = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "no browser for the tests: {FETCH} failed:\n{why}");
        String::from_utf8(run.stdout).unwrap().trim().into()
    })
}
