//! The receiver's parts together, in one process.

use std::io::Read as _;
use std::net::TcpListener as Listener;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;

use super::journal::Written;
use super::state::Entry;
use super::*;
use crate::config::{Overrides, Secret};

/// A configuration with this in its file.
pub fn config(text: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    let file = format!("[site]\ntitle = \"T\"\nbase_url = \"https://t.example\"\n{text}");
    std::fs::write(folder.path().join("frieze.toml"), file).unwrap();
    Config::load(folder.path(), &Overrides::default(), &|_| None).unwrap()
}

fn receiver(folder: &Path, hook: &str, way: Way) -> Arc<Receiver> {
    let mut config = config(hook);
    config.hook.state = folder.to_owned();
    let key = Key::of("a secret for the tests");
    Arc::new(Receiver::new(&config, key, way, mpsc::channel(1).0).unwrap())
}

/// A deploy hook that never answers, and when it was called.
fn silent() -> (Way, std::sync::mpsc::Receiver<Instant>) {
    let listener = Listener::bind("127.0.0.1:0").unwrap();
    let url = Secret::new(format!("http://{}/", listener.local_addr().unwrap()));
    let (tell, called) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = tell.send(Instant::now());
            std::mem::forget(stream);
        }
    });
    let (headers, limit) = (HeaderMap::new(), Duration::from_millis(1500));
    (Way::Hook { url, headers, limit }, called)
}

/// The first retry of a hook that fails would come after 5 seconds: from the end, not the beginning.
#[tokio::test(flavor = "multi_thread")]
async fn a_hook_slower_than_our_patience_is_called_one_at_a_time_and_with_rests() {
    let folder = tempfile::tempdir().unwrap();
    let (way, called) = silent();
    let receiver = receiver(folder.path(), "[hook]\nquiet_seconds = 0\n", way);
    let working = tokio::spawn(worker::run(Arc::clone(&receiver)));
    assert_eq!(receiver.journal.write(Entry::change("t".to_owned(), None)).await, Written::Durably);
    let next = || called.recv_timeout(Duration::from_secs(30)).unwrap();
    let (first, second) = tokio::task::block_in_place(|| (next(), next()));
    assert!(second - first >= Duration::from_millis(6400), "{:?}", second - first);
    receiver.stop.send_replace(2);
    watched(&receiver, working).await.unwrap();
    assert_eq!(receiver.journal.look(state::State::spent_by), 1, "the second is not over");
    receiver.journal.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_any_more_once_nobody_deploys() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = receiver(folder.path(), "", silent().0);
    let working = tokio::spawn(async { panic!("a mistake") });
    let report = watched(&receiver, working).await.unwrap_err().report();
    assert!(report.contains("the deployments broke off"), "{report}");
    receiver.asked(2).await;
    receiver.journal.close();
}
