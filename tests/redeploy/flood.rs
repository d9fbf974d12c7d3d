//! Many webhooks: one deployment, and no memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::receiver::{Receiver, SECRET, now, signed, site, webhook};
use crate::stub::Stub;

/// A webhook for each row of 500 transactions that change 20 rows each.
#[test]
fn ten_thousand_webhooks_are_one_deployment() {
    let site = site("quiet_seconds = 5");
    let host = Stub::accepting();
    let receiver =
        Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/")), ("RUST_LOG", "warn")]);
    let body = webhook("projects");
    let request = format!(
        "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nX-Frieze-Secret: {SECRET}\r\n\r\n{body}",
        body.len()
    );
    std::thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
                let mut buffer = [0; 2048];
                for _ in 0..50 {
                    // A transaction's webhooks come in one piece.
                    stream.write_all(request.repeat(20).as_bytes()).unwrap();
                    let mut answers = String::new();
                    while answers.matches("{\"accepted\":true}").count() < 20 {
                        let read = stream.read(&mut buffer).unwrap();
                        assert!(read > 0, "it hung up: {answers}");
                        answers += std::str::from_utf8(&buffer[..read]).unwrap();
                    }
                }
            });
        }
    });
    assert_eq!(receiver.metric("frieze_hook_requests_total{outcome=\"accepted\"}"), 10_000);
    host.wait_for(1);
    receiver.settle();
    assert_eq!(host.count(), 1);
}

const PER_SECOND: u64 = 500;

/// 500 requests a second for half a minute.
#[test]
#[ignore = "a measurement: run it with the release build's program in FRIEZE_PROGRAM"]
fn a_flood_takes_no_memory() {
    let site = site("quiet_seconds = 60");
    let host = Stub::accepting();
    let receiver =
        Receiver::start(&site, &[("DEPLOY_HOOK_URL", &host.url("/")), ("RUST_LOG", "warn")]);
    let seconds = std::env::var("FLOOD_SECONDS").map_or(30, |text| text.parse().unwrap());
    let body = webhook("projects");
    let (mut samples, answered) = (Vec::new(), AtomicUsize::new(0));
    let begun = Instant::now();
    let mut slowest = std::sync::Mutex::new(Duration::ZERO);
    std::thread::scope(|scope| {
        for part in 0..8_u64 {
            let (receiver, body, answered, slowest) = (&receiver, &body, &answered, &slowest);
            scope.spawn(move || {
                let mut stream = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut buffer = [0; 2048];
                for n in (part..PER_SECOND * seconds).step_by(8) {
                    let due = begun + Duration::from_micros(n * 1_000_000 / PER_SECOND);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    let head = signed(&format!("flood-{n}"), now(), body, SECRET);
                    let asked = Instant::now();
                    let request = format!(
                        "POST /hook HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n{head}\r\n{body}",
                        body.len()
                    );
                    stream.write_all(request.as_bytes()).unwrap();
                    let read = stream.read(&mut buffer).unwrap();
                    assert!(
                        buffer[..read].starts_with(b"HTTP/1.1 202"),
                        "{}",
                        String::from_utf8_lossy(&buffer[..read])
                    );
                    answered.fetch_add(1, Ordering::Relaxed);
                    let mut slowest = slowest.lock().unwrap();
                    *slowest = (*slowest).max(asked.elapsed());
                }
            });
        }
        for _ in 0..seconds {
            std::thread::sleep(Duration::from_secs(1));
            samples.push(receiver.memory());
        }
    });
    let took = begun.elapsed().as_secs_f64();
    println!(
        "{} in {took:.1} s, slowest {:?}; KiB by second: {samples:?}",
        answered.load(Ordering::Relaxed),
        slowest.get_mut().unwrap()
    );
    let journal = std::fs::metadata(site.root.join(".frieze/hook/journal")).unwrap().len();
    println!("journal: {journal} bytes");
    assert_eq!(answered.load(Ordering::Relaxed) as u64, PER_SECOND * seconds);
    let early = samples[samples.len() / 6];
    let late = *samples.last().unwrap();
    assert!(late < early + 8 * 1024, "{samples:?}");
}
