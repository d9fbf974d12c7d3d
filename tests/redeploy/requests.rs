//! Who may call the receiver, what is made of it, and that strangers keep nobody else out.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::receiver::{Receiver, SECRET, now, signed, site, status, webhook};
use crate::site::Run;
use crate::stub::Stub;

#[test]
fn only_who_knows_the_secret_is_heard() {
    let site = site("quiet_seconds = 60");
    let host = Stub::accepting();
    let receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    let body = webhook("projects");
    let shown = format!("Authorization: Bearer {SECRET}\r\n");
    let mut accepted = 0;
    let mut expect = |code: u16, headers: &str, body: &str| {
        assert_eq!(receiver.post(headers, body), code, "{headers} {body:.80}");
        accepted += u64::from(code == 202);
        assert_eq!(receiver.pending(), accepted, "{headers}");
    };
    expect(202, &shown, &body);
    expect(202, &format!("x-frieze-secret: {SECRET}\r\n"), &body);
    let good = signed("m1", now(), &body, SECRET);
    expect(202, &good, &body);
    // A replay is no second change.
    expect(200, &good, &body);
    expect(200, &signed("m1", now() + 1, &body, SECRET), &body);
    expect(202, &signed("m2", now(), &body, SECRET), &body);

    expect(401, "", &body);
    expect(401, "Authorization: Bearer wrong wrong wrong wrong\r\n", &body);
    expect(401, &shown.replace("Bearer ", ""), &body);
    expect(401, &signed("m3", now() - 301, &body, SECRET), &body);
    expect(401, &signed("m3", now() + 302, &body, SECRET), &body);
    expect(401, &signed("m3", now(), &body, "another secret altogether"), &body);
    expect(401, &signed("m3", now(), &body, SECRET), &body.replace("new", "forged"));
    expect(401, &signed("m3", now(), &body, SECRET).replace("m3", "m4"), &body);
    expect(
        401,
        &format!("webhook-id: m3\r\nwebhook-timestamp: {}\r\nwebhook-signature: v1,\r\n", now()),
        &body,
    );
    expect(401, &format!("{shown}webhook-signature: v1,\r\n"), &body);

    expect(400, &shown, "");
    expect(400, &shown, &body[..body.len() / 2]);
    expect(400, &shown, "{\"type\":\"INSERT\"}");
    expect(200, &shown, &body.replace("\"new\"", "\"old\""));
    let large = format!("{{\"pad\":\"{}\",{}", "x".repeat(1 << 20), &body[1..]);
    expect(413, &signed("m5", now(), &large, SECRET), &large);
    expect(401, "", &large);
    // Who shows the secret is believed that something changed.
    expect(202, &shown, &large);

    assert_eq!(status(&receiver.get("/hook")), 405);
    assert_eq!(status(&receiver.get("/")), 404);
    assert_eq!(status(&receiver.get("/../hook")), 404);
    assert_eq!(
        status(&receiver.raw(
            b"POST /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )),
        405
    );
    assert_eq!(status(&receiver.raw(b"\x16\x03\x01 not http at all\r\n\r\n")), 400);
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(100_000));
    assert!(matches!(status(&receiver.raw(long.as_bytes())), 414 | 431), "a head without end");
    // A body that is promised and does not come, or that comes in pieces without end.
    let chunked = format!(
        "POST /hook HTTP/1.1\r\nHost: x\r\n{shown}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{{\"a\":\r\nzz\r\n"
    );
    assert_eq!(status(&receiver.raw(chunked.as_bytes())), 400);
    let metrics = receiver.get("/metrics");
    assert!(metrics.contains("frieze_hook_pending_changes 5\n"), "{metrics}");
    assert!(metrics.contains("frieze_hook_requests_total{outcome=\"refused\"} 16\n"), "{metrics}");
    assert!(receiver.stop());
    assert_eq!(host.count(), 0);
    let log = std::fs::read_to_string(site.root.join("receiver.log")).unwrap();
    assert!(!log.contains(SECRET), "{log}");
}

#[test]
fn a_body_that_does_not_come_keeps_nobody_busy() {
    let site = site("quiet_seconds = 60");
    let host = Stub::accepting();
    let receiver = Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/"))]);
    let begun = Instant::now();
    let head = format!(
        "POST /hook HTTP/1.1\r\nHost: x\r\nX-Frieze-Secret: {SECRET}\r\nContent-Length: 100\r\n\r\n{{"
    );
    let waiting: Vec<TcpStream> = [head.as_str(), "POST /hook HT", ""]
        .iter()
        .map(|text| {
            let mut stream = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
            stream.write_all(text.as_bytes()).unwrap();
            stream
        })
        .collect();
    assert_eq!(receiver.tell("projects"), 202);
    for mut stream in waiting {
        stream.set_read_timeout(Some(Duration::from_secs(25))).unwrap();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("it hangs up");
    }
    assert!(begun.elapsed() < Duration::from_secs(25));
}

fn connect(receiver: &Receiver) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
    stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    stream
}

/// As many as there are places, asking on and on without ever reading an answer.
#[test]
fn who_reads_no_answers_keeps_no_place() {
    let site = site("quiet_seconds = 60");
    let host = Stub::accepting();
    let receiver =
        Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/")), ("RUST_LOG", "off")]);
    let unknown = "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".repeat(60_000);
    let curious = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(60_000);
    let strangers: Vec<TcpStream> = (0..300)
        .map(|number| {
            let mut stream = connect(&receiver);
            let text = if number % 2 == 0 { &unknown } else { &curious };
            // As much as there is room for.
            let _ = stream.write_all(text.as_bytes());
            stream
        })
        .collect();
    assert_eq!(receiver.tell("projects"), 202);
    drop(strangers);
}

/// Signatures are checked against the whole body, which has to be somewhere until then.
#[test]
fn bodies_of_unknown_senders_fill_no_memory() {
    let site = site("quiet_seconds = 60");
    let host = Stub::accepting();
    let receiver =
        Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/")), ("RUST_LOG", "off")]);
    assert_eq!(receiver.tell("projects"), 202);
    let before = receiver.memory();
    let large = 1 << 20;
    let head = format!(
        "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: {large}\r\n{}\r\n",
        signed("m1", now(), "", "a secret that is not the right one")
    );
    let text = head + &"x".repeat(large - 1);
    let strangers: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = connect(&receiver);
            let _ = stream.write_all(text.as_bytes());
            stream
        })
        .collect();
    let body = webhook("projects");
    assert_eq!(receiver.post(&signed("m2", now(), &body, SECRET), &body), 202);
    // Until the last of them is refused, for taking too long.
    let (begun, mut most) = (Instant::now(), 0);
    while receiver.metric("frieze_hook_requests_total{outcome=\"refused\"}") < 200 {
        assert!(begun.elapsed() < PATIENCE, "they are waited for");
        most = most.max(receiver.memory());
        std::thread::sleep(Duration::from_millis(20));
    }
    let more = most.saturating_sub(before);
    assert!(more < 80 << 10, "{more} KiB more");
    drop(strangers);
}

/// What `[hook]` holds, the environment, and what is said of it.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn what_is_missing_is_said_before_it_listens() {
    let host = Stub::accepting();
    let url = host.url("/t0ken");
    let cases: [Case<'_>; 6] = [
        ("", &[("DEPLOY_HOOK_URL", &url)], "FRIEZE_HOOK_SECRET is not set: anybody could call"),
        (
            "",
            &[("DEPLOY_HOOK_URL", &url), ("FRIEZE_HOOK_SECRET", "short")],
            "the secret in FRIEZE_HOOK_SECRET is too short",
        ),
        ("", &[("FRIEZE_HOOK_SECRET", SECRET)], "nothing says how to deploy"),
        (
            "command = [\"true\"]",
            &[("DEPLOY_HOOK_URL", &url), ("FRIEZE_HOOK_SECRET", SECRET)],
            "both DEPLOY_HOOK_URL and hook.command",
        ),
        ("quiet_seconds = 700", &[], "hook.max_wait_seconds: is less than hook.quiet_seconds"),
        (
            "url_env = \"https://host.example/t0ken\"",
            &[],
            "hook.url_env: must name an environment variable",
        ),
    ];
    for (hook, env, what) in cases {
        let site = site(hook);
        let run = Run::of(
            site.command(&["hook", "serve", "--listen", "127.0.0.1:0"])
                .envs(env.iter().copied())
                .output()
                .unwrap(),
        );
        assert_eq!(run.code, 3, "{what}: {}", run.stderr);
        assert!(run.stderr.contains(what), "{what}: {}", run.stderr);
        assert!(!run.stderr.contains("t0ken"), "{}", run.stderr);
    }
}
