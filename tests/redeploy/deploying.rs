//! How often the receiver deploys, and what it does about hooks that are slow or fail.

use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::receiver::{Receiver, site};
use crate::stub::Stub;

/// Holds up whoever comes until it is opened.
#[derive(Clone)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn new() -> Self {
        Self(Arc::default())
    }

    fn wait(&self) {
        let (is_open, opened) = &*self.0;
        drop(opened.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

fn is_past(time: &serde_json::Value) -> bool {
    let time: chrono::DateTime<chrono::Utc> = time.as_str().unwrap().parse().unwrap();
    chrono::Utc::now() - time > chrono::Duration::seconds(1)
}

#[test]
fn a_hook_that_is_slow_delays_and_does_not_multiply() {
    let site = site("quiet_seconds = 1");
    let gate = Gate::new();
    let closed = gate.clone();
    let host = Stub::start(move |_, _| {
        closed.wait();
        (200, Vec::new())
    });
    let receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.tell("projects");
    host.wait_for(1);
    for _ in 0..6 {
        receiver.tell("projects");
    }
    receiver.until("due", |health| health["pending"] == 6 && is_past(&health["due"]));
    assert_eq!(host.count(), 1, "one at a time");
    gate.open();
    host.wait_for(2);
    receiver.settle();
    assert_eq!(host.count(), 2);
}

#[test]
fn a_hook_that_fails_is_asked_again_until_it_does_not() {
    let site = site("quiet_seconds = 1");
    let host = Stub::start(|_, number| match number {
        1 => (503, Vec::new()),
        2 => (0, Vec::new()),
        _ => (201, Vec::new()),
    });
    let receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.tell("projects");
    host.wait_for(2);
    receiver.tell("skills");
    host.wait_for(3);
    receiver.settle();
    let at: Vec<_> = host.asked().iter().map(|asked| asked.at).collect();
    assert_eq!(at.len(), 3, "{at:?}");
    let waits: Vec<_> = at.windows(2).map(|two| (two[1] - two[0]).as_secs_f32()).collect();
    assert!(waits[0] > 4.5 && waits[1] > 9.5, "{waits:?}");
    let health = receiver.health();
    assert_eq!(
        (health["pending"].as_u64(), health["spent"].as_u64()),
        (Some(0), Some(3)),
        "{health}"
    );
    let metrics = receiver.get("/metrics");
    assert!(
        metrics.contains("frieze_hook_deployments_total{outcome=\"succeeded\"} 1\n"),
        "{metrics}"
    );
    assert!(metrics.contains("frieze_hook_deployments_total{outcome=\"failed\"} 2\n"), "{metrics}");
}

#[test]
fn the_budget_holds() {
    let site = site("quiet_seconds = 1\ndeploys_per_day = 2");
    let host = Stub::accepting();
    let mut receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    for n in 1..=2 {
        receiver.tell("projects");
        host.wait_for(n);
        receiver.settle();
    }
    receiver.tell("projects");
    for _ in 0..2 {
        let health = receiver.health();
        let due: chrono::DateTime<chrono::Utc> = health["due"].as_str().unwrap().parse().unwrap();
        assert!(due - chrono::Utc::now() > chrono::Duration::hours(23), "{health}");
        assert_eq!((&health["pending"], &health["spent"]), (&1.into(), &2.into()));
        assert_eq!((health["deploying"].as_bool(), host.count()), (Some(false), 2));
        // A restart makes no new day.
        receiver.kill();
        receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    }
}

#[test]
fn a_stop_waits_for_the_deployment_that_runs() {
    let site = site("quiet_seconds = 0\nmax_wait_seconds = 0");
    let gate = Gate::new();
    let closed = gate.clone();
    let host = Stub::start(move |_, _| {
        closed.wait();
        (200, Vec::new())
    });
    let mut receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.tell("projects");
    host.wait_for(1);
    receiver.terminate();
    // It stops listening first.
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", receiver.port)).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it goes on listening");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(receiver.child.try_wait().unwrap().is_none(), "it did not wait");
    gate.open();
    assert!(receiver.child.wait().unwrap().success());
    let receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.settle();
    assert_eq!(host.count(), 1, "it was told how the deployment went");
}

#[test]
fn a_second_stop_lets_go_of_the_deployment_and_the_next_start_repeats_it() {
    let site = site("quiet_seconds = 0\nmax_wait_seconds = 0");
    let gate = Gate::new();
    let closed = gate.clone();
    let host = Stub::start(move |_, _| {
        closed.wait();
        (200, Vec::new())
    });
    let mut receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    receiver.tell("projects");
    host.wait_for(1);
    let begun = Instant::now();
    while receiver.child.try_wait().unwrap().is_none() {
        receiver.terminate();
        assert!(begun.elapsed() < PATIENCE, "it goes on");
        std::thread::sleep(Duration::from_millis(100));
    }
    gate.open();
    let receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    host.wait_for(2);
    receiver.settle();
    assert_eq!((host.count(), receiver.health()["spent"].as_u64()), (2, Some(2)));
}

#[test]
fn a_second_stop_tells_a_command_to_end() {
    let script = "trap 'echo >told; exit 1' TERM; echo >began; while :; do sleep 0.05; done";
    let site = site(&format!(
        "quiet_seconds = 0\nmax_wait_seconds = 0\ncommand = [\"sh\", \"-c\", \"{script}\"]"
    ));
    let mut receiver = Receiver::start(&site, &[]);
    receiver.tell("projects");
    let is_there = |file: &str| site.root.join(file).exists();
    let begun = Instant::now();
    while !is_there("began") {
        assert!(begun.elapsed() < PATIENCE, "it does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    while receiver.child.try_wait().unwrap().is_none() {
        receiver.terminate();
        assert!(begun.elapsed() < PATIENCE, "it goes on");
        std::thread::sleep(Duration::from_millis(100));
    }
    while !is_there("told") {
        assert!(begun.elapsed() < PATIENCE, "the command goes on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_happens_is_logged_as_json_where_that_is_asked_for() {
    let site = site("quiet_seconds = 0\nmax_wait_seconds = 0");
    let host = Stub::accepting();
    let env = [("DEPLOY_HOOK_URL", &*host.url("/t0ken"))];
    let receiver = Receiver::start_with(&site, &["-v", "--log-format", "json"], &env);
    receiver.tell("projects");
    assert_eq!(receiver.post("", ""), 401);
    host.wait_for(1);
    receiver.settle();
    assert!(receiver.stop());
    let log = std::fs::read_to_string(site.root.join("receiver.log")).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let message = |what: &str| {
        let has = |line: &&serde_json::Value| line.to_string().contains(what);
        lines.iter().find(has).unwrap_or_else(|| panic!("no {what} in {log}"))
    };
    assert!(message("a change is pending").to_string().contains("public.projects"), "{log}");
    assert!(message("refused a request").to_string().contains("401"), "{log}");
    message("status 201");
    message("stopping");
    assert!(!log.contains("t0ken"), "{log}");
}

/// For those who host themselves.
#[test]
fn a_command_may_build_instead() {
    let site = site(
        "quiet_seconds = 0\nmax_wait_seconds = 0\ncommand = [\"sh\", \"-c\", \"echo $FRIEZE_DEPLOY in $(pwd) >>ran; test -e ready\"]",
    );
    let receiver = Receiver::start(&site, &[]);
    receiver.tell("projects");
    let ran = || std::fs::read_to_string(site.root.join("ran")).unwrap_or_default();
    let wait = |lines: usize| {
        let begun = Instant::now();
        while ran().lines().count() < lines {
            assert!(begun.elapsed() < PATIENCE, "{}", ran());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait(1);
    site.write("ready", "");
    wait(2);
    receiver.settle();
    let root = site.root.canonicalize().unwrap();
    assert_eq!(ran(), format!("1 in {0}\n1 in {0}\n", root.display()), "once more after it failed");
    assert_eq!(receiver.health()["spent"], 1);
}
