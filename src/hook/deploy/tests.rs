//! Hooks that are slow or break off, and commands that do not end.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::Instant;

use super::*;

/// A hook that reads the request, and then does this with the connection.
fn hook(answer: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            answer(stream);
        }
    });
    url
}

async fn ask(url: &str) -> Outcome {
    call(url, HeaderMap::new(), Duration::from_millis(400)).await
}

#[tokio::test]
async fn an_accepted_deployment_is_one_even_if_the_rest_of_the_answer_is_lost() {
    let cut = hook(|mut stream| {
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{\"id\"").unwrap();
    });
    let slow = hook(|mut stream| {
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n").unwrap();
        std::mem::forget(stream);
    });
    for url in [cut, slow] {
        let outcome = ask(&url).await;
        assert_eq!((outcome.ok, outcome.counts), (true, true), "{}", outcome.words);
    }
}

#[tokio::test]
async fn no_answer_may_have_worked_and_a_refusal_has_not() {
    let silent = hook(std::mem::forget);
    let gone = hook(drop);
    let refusing = hook(|mut stream| {
        stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").unwrap();
    });
    for (url, counts) in [(silent, true), (gone, true), (refusing, false)] {
        let outcome = ask(&url).await;
        assert_eq!((outcome.ok, outcome.counts), (false, counts), "{}", outcome.words);
    }
    let nobody = ask("http://127.0.0.1:1/").await;
    assert_eq!((nobody.ok, nobody.counts), (false, false), "{}", nobody.words);
}

/// Its children too, even those that do not want to.
#[cfg(unix)]
#[tokio::test]
async fn a_command_that_takes_too_long_leaves_nobody_behind() {
    let folder = tempfile::tempdir().unwrap();
    let script = "trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$ >child; while :; do sleep 0.1; done\" & wait";
    let words = ["sh", "-c", script].map(str::to_owned);
    let begun = Instant::now();
    let time = Duration::from_millis(500);
    let outcome = command::run(&words, folder.path(), time, time).await;
    assert_eq!((outcome.ok, outcome.counts), (false, false), "{}", outcome.words);
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let child = std::fs::read_to_string(folder.path().join("child")).unwrap();
    let id = rustix::process::Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    let waiting = Instant::now();
    // One whose parent is gone is there until somebody takes note of its end.
    let is_there = || {
        let stat = format!("/proc/{}/stat", id.as_raw_nonzero());
        std::fs::read_to_string(stat).is_ok_and(|text| !text.contains(") Z "))
    };
    while is_there() {
        assert!(waiting.elapsed() < Duration::from_secs(5), "it goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_command_that_ends_when_it_is_told_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["sh", "-c", "sleep 60"].map(str::to_owned);
    let begun = Instant::now();
    command::run(&words, folder.path(), Duration::from_millis(100), Duration::from_secs(30)).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
