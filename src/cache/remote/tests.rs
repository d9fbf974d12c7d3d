use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use object_store::signer::Signer as _;
use pretty_assertions::assert_eq;

use super::*;
use crate::cache::Cache;
use crate::error::Kind;

const SECRET: &str = "s3cr3t-of-the-tests";
const TOKEN: &str = "t0ken-of-the-tests";
const COMPLETE: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "id"),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("AWS_SESSION_TOKEN", TOKEN),
    ("AWS_REGION", "eu-central-1"),
];

/// An environment; later variables replace earlier ones.
fn env(more: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> + use<> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let vars: Vec<_> = COMPLETE.iter().chain(more).map(owned).collect();
    move |name| vars.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn key(number: u8) -> Key {
    *blake3::hash(&[number]).as_bytes()
}

fn refusal(url: &str, more: &[(&str, &str)]) -> String {
    let error = RemoteStore::open(url, &env(more)).unwrap_err();
    assert_eq!(error.kind(), Kind::Config);
    error.report()
}

#[test]
fn what_is_missing_in_the_environment_is_named() {
    let report = refusal("s3://bucket", &[("AWS_REGION", " "), ("AWS_SECRET_ACCESS_KEY", "")]);
    assert!(report.contains("needs AWS_SECRET_ACCESS_KEY, AWS_REGION in"), "{report}");
    assert!(!report.contains("AWS_ACCESS_KEY_ID"), "{report}");
    let nothing = RemoteStore::open("s3://bucket", &|_| None).unwrap_err().report();
    assert!(nothing.contains("AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION"), "{nothing}");
}

#[test]
fn an_address_of_another_form_is_refused_without_repeating_it() {
    let secret = "k3y";
    for url in [
        "",
        "bucket",
        "s3:",
        "s3://",
        "s3:///prefix",
        "https://host/k3y",
        "s3://id:k3y@bucket/p",
        "s3://bucket/p?key=k3y",
        "s3://bucket/a//b",
        "s3://bucket/../k3y",
        "s3://bucket/p#k3y",
        "s3://bü/k3y",
        "s3://bucket/a b",
    ] {
        let report = refusal(url, &[]);
        assert!(report.contains("s3://bucket/prefix") && !report.contains(secret), "{report}");
    }
}

#[test]
fn an_endpoint_that_is_no_servers_address_is_refused_without_repeating_it() {
    for name in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"] {
        for endpoint in ["k3y", "ftp://h/", "https://id:k3y@h/", "https://h/?k3y", "https://h/#k3y"]
        {
            let report = refusal("s3://bucket", &[(name, endpoint)]);
            assert!(report.contains(&format!("{name} is no address")), "{report}");
            assert!(!report.contains("k3y"), "{report}");
        }
    }
}

#[test]
fn no_secret_is_in_what_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let remote = RemoteStore::open("s3://bucket/some/prefix/", &env(&[])).unwrap();
    let printed = format!("{remote:?}");
    assert_eq!(printed, r#"RemoteStore { address: "s3://bucket/some/prefix", .. }"#);
    let cache = Cache::open(dir.path()).unwrap().with_remote(remote);
    let printed = format!("{cache:#?}");
    assert!(printed.contains("s3://bucket/some/prefix"));
    assert!(!printed.contains(SECRET) && !printed.contains(TOKEN));
}

/// Where a request for an entry would go.
fn requested(url: &str, more: &[(&str, &str)]) -> String {
    let remote = RemoteStore::open(url, &env(more)).unwrap();
    let bucket = Arc::clone(&remote.bucket);
    let signed = async move {
        let path = bucket.path(&[0xab; 32]);
        bucket.store.signed_url(reqwest::Method::GET, &path, Duration::from_mins(1)).await
    };
    let url = remote.background.wait(signed).unwrap().unwrap();
    url.as_str().split('?').next().unwrap().to_owned()
}

#[test]
fn requests_go_where_the_environment_says() {
    let name = format!("ab/{}", "ab".repeat(31));
    let own = ("AWS_ENDPOINT_URL", "https://ref.storage.supabase.co/storage/v1/s3/");
    let cases: [(_, &[_], _); 4] = [
        ("s3://b/p/q", &[own], "https://ref.storage.supabase.co/storage/v1/s3/b/p/q/"),
        ("s3://b", &[own, ("AWS_ENDPOINT_URL_S3", "http://h:9000")], "http://h:9000/b/"),
        ("s3://b/p", &[], "https://b.s3.eu-central-1.amazonaws.com/p/"),
        ("s3://b.c/p", &[], "https://s3.eu-central-1.amazonaws.com/b.c/p/"),
    ];
    for (url, more, expected) in cases {
        assert_eq!(requested(url, more), format!("{expected}{name}"), "{url}");
    }
}

/// What listens answers every request with this; with nothing, it keeps silent.
fn serve(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            open.push(reply(stream.unwrap(), answer));
        }
    });
    address
}

fn reply(mut stream: TcpStream, answer: &str) -> TcpStream {
    if !answer.is_empty() {
        let _ = stream.read(&mut [0; 8192]);
        let _ = stream.write_all(answer.as_bytes());
    }
    stream
}

/// A closed port: it was free a moment ago.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn linked(dir: &tempfile::TempDir, endpoint: &str) -> Cache {
    let env = env(&[("AWS_ENDPOINT_URL", endpoint)]);
    let remote = RemoteStore::open("s3://bucket/prefix", &env).unwrap();
    Cache::open(dir.path()).unwrap().with_remote(remote)
}

#[test]
fn without_a_server_the_store_works_and_soon_asks_no_more() {
    let dir = tempfile::tempdir().unwrap();
    let cache = linked(&dir, &nobody());
    let keys: Vec<_> = (0..40).map(key).collect();
    assert_eq!(cache.fetch(&keys), 0);
    let failures = cache.finish().unwrap().failures;
    assert!((3..=FEW).contains(&failures), "{failures} requests failed");
    cache.put(&key(1), b"one").unwrap();
    assert_eq!(cache.get(&key(1)).as_deref(), Some(&b"one"[..]));
    assert_eq!(cache.fetch(&keys), 0);
    let report = cache.finish().unwrap();
    assert_eq!(report, RemoteReport { failures, unsent: 1, ..RemoteReport::default() });
}

/// What may be under way when it is given up.
const FEW: usize = 16;

#[test]
fn a_server_that_keeps_silent_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let cache = linked(&dir, &serve(""));
    (0..20).for_each(|number| cache.put(&key(number), b"entry").unwrap());
    let report = cache.remote.as_ref().unwrap().finish(Duration::from_millis(50));
    // Had it waited for an answer, there would be failures.
    assert_eq!(report, RemoteReport { unsent: 20, ..RemoteReport::default() });
    // It is given up now.
    assert_eq!(cache.fetch(&[key(30)]), 0);
}

#[test]
fn a_store_may_be_used_and_dropped_by_a_task_of_another_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let fetched = runtime.block_on(async { linked(&dir, &nobody()).fetch(&[key(1)]) });
    assert_eq!(fetched, 0);
}

/// What is said of a server's answer to a request for an entry.
fn trouble_with(answer: &'static str, write: bool) -> (String, &'static str) {
    let env = env(&[("AWS_ENDPOINT_URL", &serve(answer))]);
    let remote = RemoteStore::open("s3://bucket", &env).unwrap();
    let bucket = Arc::clone(&remote.bucket);
    let request = async move {
        if write {
            return bucket.upload(&key(1), b"entry".to_vec()).await;
        }
        bucket.download(&key(1)).await.map(|found| assert!(found.is_none()))
    };
    match remote.background.wait(request).unwrap() {
        Ok(()) => (String::new(), ""),
        Err(error) => {
            let trouble = trouble::Trouble::new("asking", &error);
            (trouble.what, trouble.help)
        }
    }
}

macro_rules! answer {
    ($status:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            "\r\nContent-Length: 10\r\nConnection: close\r\n\r\n<k3y></k3y>"
        )
    };
}

#[test]
fn troubles_are_told_in_our_words() {
    let cases = [
        (answer!("403 Forbidden"), "asking: access was refused", "AWS_SECRET_ACCESS_KEY"),
        (answer!("401 Unauthorized"), "asking: access was refused", "AWS_SECRET_ACCESS_KEY"),
        (answer!("400 Bad Request"), "asking: the server answered with status 400", "AWS_REGION"),
        (answer!("503 Down"), "asking: the server answered with status 503", "storage itself"),
        ("nonsense\r\n\r\n", "asking: the connection to the server broke", "AWS_ENDPOINT_URL"),
    ];
    for (answer, expected, helpful) in cases {
        let (what, help) = trouble_with(answer, false);
        assert_eq!(what, expected);
        assert!(help.contains(helpful), "{what}: {help}");
    }
}

#[test]
fn what_is_not_there_is_no_trouble_unless_it_is_the_bucket() {
    assert_eq!(trouble_with(answer!("404 Not Found"), false).0, "");
    let (what, help) = trouble_with(answer!("404 Not Found"), true);
    assert_eq!(what, "asking: there is no such bucket");
    assert!(help.contains("make the bucket"));
}

#[test]
fn what_is_far_too_large_is_not_read() {
    let huge = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\
                Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\nETag: \"e\"\r\n\r\n";
    assert_eq!(trouble_with(huge, false).0, "");
}
