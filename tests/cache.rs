//! The cache with a remote store, against a server of S3's protocol that checks signatures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write;
use std::sync::{Mutex, OnceLock, mpsc};

use frieze::cache::{Cache, Key, RemoteReport, RemoteStore};
use pretty_assertions::assert_eq;
use tempfile::TempDir;

use s3::{Server, Watch};

#[path = "support/s3.rs"]
mod s3;

/// Everything that anybody in this process logs, but for what the server says itself.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen() {
    static LISTENING: OnceLock<()> = OnceLock::new();
    LISTENING.get_or_init(|| {
        let filter = tracing_subscriber::EnvFilter::new("trace,s3s=off,s3s_fs=off");
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false);
        log.with_writer(|| Log).init();
    });
}

fn log() -> String {
    String::from_utf8(LOG.lock().unwrap().clone()).unwrap()
}

/// The warnings that name this bucket.
fn warnings(bucket: &str) -> Vec<String> {
    let name = format!("s3://{bucket}/");
    let log = log();
    let of_bucket = log.lines().filter(|line| line.contains("WARN") && line.contains(&name));
    of_bucket.map(ToOwned::to_owned).collect()
}

/// A machine with a local store of its own.
struct Machine {
    _dir: TempDir,
    cache: Cache,
}

fn machine(server: &Server, bucket: &str, more: &[(&str, &str)]) -> Machine {
    listen();
    let dir = tempfile::tempdir().unwrap();
    let remote = RemoteStore::open(&format!("s3://{bucket}/some/prefix"), &server.env(more));
    let cache = Cache::open(dir.path()).unwrap().with_remote(remote.unwrap());
    Machine { _dir: dir, cache }
}

fn key(number: usize) -> Key {
    *blake3::hash(&number.to_le_bytes()).as_bytes()
}

fn keys(count: usize) -> Vec<Key> {
    (0..count).map(key).collect()
}

/// What belongs to a key: nothing for the first one, and up to some 400 KB.
fn payload(number: usize) -> Vec<u8> {
    key(number).repeat(number * 200)
}

/// Fills a store with so many entries.
fn put(cache: &Cache, count: usize) {
    (0..count).for_each(|number| cache.put(&key(number), &payload(number)).unwrap());
}

fn check(cache: &Cache, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        assert!(cache.get(&key(number)) == Some(payload(number)), "entry {number}");
    }
}

fn object(server: &Server, bucket: &str, number: usize) -> std::path::PathBuf {
    let name = blake3::Hash::from_bytes(key(number)).to_hex();
    server.object(&format!("{bucket}/some/prefix/{}/{}", &name[..2], &name[2..]))
}

const NOTHING: RemoteReport = RemoteReport { hits: 0, uploads: 0, failures: 0, unsent: 0 };

#[test]
fn a_second_machine_gets_everything_and_sends_none_of_it_back() {
    let bucket = "two-machines";
    let server = Server::start(bucket);
    let first = machine(&server, bucket, &[]).cache;
    assert_eq!(first.fetch(&keys(60)), 0);
    put(&first, 60);
    // What was sent is not sent again.
    put(&first, 60);
    assert_eq!(first.finish(), Some(RemoteReport { uploads: 60, ..NOTHING }));

    let second = machine(&server, bucket, &[]);
    assert_eq!(second.cache.len(&key(7)), None);
    // Whoever names a key twice gets one entry; one that nobody has is no trouble.
    let wanted = [keys(60), keys(60), vec![key(1000)]].concat();
    assert_eq!(second.cache.fetch(&wanted), 60);
    check(&second.cache, 0..60);
    put(&second.cache, 60);
    assert_eq!(second.cache.finish(), Some(RemoteReport { hits: 60, ..NOTHING }));
    assert_eq!(server.count("PutObject"), 60);

    let asked = server.count("GetObject");
    assert_eq!(second.cache.fetch(&keys(60)), 0);
    assert_eq!(server.count("GetObject"), asked, "what is here need not be asked for");
    assert_eq!(warnings(bucket), [""; 0]);
}

#[test]
fn a_store_without_a_remote_one_asks_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let cache = Cache::open(dir.path()).unwrap();
    assert_eq!((cache.fetch(&keys(3)), cache.finish()), (0, None));
}

#[test]
fn sixteen_requests_are_under_way_at_once_and_no_more() {
    let bucket = "sixteen";
    // With fewer, none would ever be answered.
    let server = Server::start_with(bucket, Watch::together(16));
    let machine = machine(&server, bucket, &[]);
    assert_eq!(machine.cache.fetch(&keys(64)), 0);
    assert_eq!(machine.cache.finish(), Some(NOTHING));
    assert_eq!((server.count("GetObject"), server.most_at_once()), (64, 16));
}

#[test]
fn a_wrong_secret_warns_once_and_is_never_shown() {
    let (bucket, secret, token) = ("wrong-secret", "wr0ng-s3cr3t", "wr0ng-t0ken");
    let server = Server::start(bucket);
    let wrong = [("AWS_SECRET_ACCESS_KEY", secret), ("AWS_SESSION_TOKEN", token)];
    let machine = machine(&server, bucket, &wrong);
    assert_eq!(machine.cache.fetch(&keys(60)), 0);
    put(&machine.cache, 60);
    check(&machine.cache, 0..60);
    let report = machine.cache.finish().unwrap();
    assert!((3..=16).contains(&report.failures), "{report:?}");
    assert_eq!(report, RemoteReport { failures: report.failures, unsent: 60, ..NOTHING });
    assert_eq!(server.count("GetObject") + server.count("PutObject"), 0);

    let warnings = warnings(bucket);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for told in ["s3://wrong-secret/some/prefix", "access was refused", "AWS_SECRET_ACCESS_KEY"] {
        assert!(warnings[0].contains(told), "{warnings:?}");
    }
    let shown = format!("{}{:?}{report:?}", log(), machine.cache);
    assert!(shown.contains("DEBUG"), "the log must have what only developers see");
    assert!(!shown.contains(secret) && !shown.contains(token));
    assert!(!log().contains(s3::SECRET), "nor is the right one");
}

#[test]
fn a_server_that_goes_away_takes_nothing_with_it() {
    let bucket = "goes-away";
    let (told, silent) = mpsc::channel();
    let mut server = Server::start_with(bucket, Watch::silent_after(90, told));
    let first = machine(&server, bucket, &[]);
    put(&first.cache, 60);
    assert_eq!(first.cache.finish().unwrap().uploads, 60);

    let second = machine(&server, bucket, &[]);
    let came = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| second.cache.fetch(&keys(60)));
        silent.recv().unwrap();
        server.stop();
        fetching.join().unwrap()
    });
    assert!((1..=30).contains(&came), "{came} came");
    let here: Vec<_> = (0..60).filter(|number| second.cache.len(&key(*number)).is_some()).collect();
    assert_eq!(here.len(), came);
    check(&second.cache, here);
    put(&second.cache, 60);
    check(&second.cache, 0..60);

    let report = second.cache.finish().unwrap();
    assert!(report.failures >= 3, "{report:?}");
    assert_eq!((report.hits, report.uploads, report.unsent), (came, 0, 60 - came));
    let warnings = warnings(bucket);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("AWS_ENDPOINT_URL"), "{warnings:?}");
}

#[test]
fn damaged_and_foreign_objects_are_ignored_and_replaced() {
    let bucket = "damaged";
    let server = Server::start(bucket);
    let first = machine(&server, bucket, &[]);
    put(&first.cache, 8);
    assert_eq!(first.cache.finish().unwrap().uploads, 8);
    let file = |number| object(&server, bucket, number);
    let mut bent = fs::read(file(1)).unwrap();
    bent[9] ^= 1;
    fs::write(file(1), bent).unwrap();
    fs::File::options().write(true).open(file(2)).unwrap().set_len(100).unwrap();
    fs::write(file(3), "").unwrap();
    fs::copy(file(7), file(4)).unwrap();

    let second = machine(&server, bucket, &[]);
    assert_eq!(second.cache.fetch(&keys(8)), 4);
    check(&second.cache, [0, 5, 6, 7]);
    assert!((1..=4).all(|number| second.cache.len(&key(number)).is_none()));
    put(&second.cache, 8);
    let report = second.cache.finish();
    assert_eq!(report, Some(RemoteReport { hits: 4, uploads: 4, ..NOTHING }));
    assert_eq!(machine(&server, bucket, &[]).cache.fetch(&keys(8)), 8);
    assert_eq!(warnings(bucket), [""; 0]);
}

#[test]
fn an_object_is_the_entrys_content_and_its_checksum() {
    let bucket = "objects";
    let server = Server::start(bucket);
    let machine = machine(&server, bucket, &[]);
    put(&machine.cache, 3);
    assert_eq!(machine.cache.finish().unwrap().uploads, 3);
    for number in 0..3 {
        let checksum = *blake3::keyed_hash(&key(number), &payload(number)).as_bytes();
        let object = fs::read(object(&server, bucket, number)).unwrap();
        assert!(object == [&*payload(number), &checksum].concat(), "object {number}");
    }
}
