//! Downloads from a server of our own, which stands in for a project's storage on this machine.

mod addresses;
mod copies;
mod environment;
mod limits;
mod redirects;
mod trouble;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use url::Url;

use super::server::{Answer, Ending, Request, Server};
use super::*;

const GIF: &[u8] = b"GIF89a\x03\x00\x02\x00\x00\x00\x00";
const OTHER: &[u8] = b"GIF89a\x04\x00\x02\x00\x00\x00\x00;";
const OK: &str = "200 OK\r\nContent-Type: image/gif";
const PUBLIC: &str = "/storage/v1/object/public/";

/// A build's cache and rules, and a name service of its own.
struct Build {
    _dir: tempfile::TempDir,
    cache: Cache,
    rules: Rules,
    names: Vec<(&'static str, &'static str)>,
    lookups: Arc<AtomicUsize>,
}

impl Build {
    fn new(storage: &str, hosts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(&dir.path().join("cache")).unwrap();
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        let (storage, timeout) = (Url::parse(storage).ok(), Duration::from_secs(30));
        let rules = Rules { storage, hosts, max_bytes: 1_000, timeout };
        Self { _dir: dir, cache, rules, names: Vec::new(), lookups: Arc::default() }
    }

    fn at(server: &Server) -> Self {
        Self::new(&server.url("/"), &[])
    }

    fn lookup(&self) -> Lookup {
        let (names, lookups) = (self.names.clone(), self.lookups.clone());
        Arc::new(move |host| {
            lookups.fetch_add(1, Ordering::SeqCst);
            let found = names.iter().filter(|(name, _)| *name == host);
            let found: Vec<IpAddr> = found.map(|(_, ip)| ip.parse().unwrap()).collect();
            let unknown = || std::io::Error::other("unknown name");
            Box::pin(std::future::ready((!found.is_empty()).then_some(found).ok_or_else(unknown)))
        })
    }

    fn fetch_all(&self, urls: &[String]) -> Vec<Result<Fetched>> {
        let setting = Setting { lookup: self.lookup(), delay: Duration::from_millis(1) };
        fetch_in(setting, &self.rules, urls, &self.cache).unwrap()
    }

    fn fetch(&self, url: &str) -> Result<Fetched> {
        self.fetch_all(&[url.to_owned()]).remove(0)
    }

    #[track_caller]
    fn fails(&self, url: &str, expected: &str) -> Error {
        let error = self.fetch(url).unwrap_err();
        assert!(error.chain().join("\n").contains(expected), "{error:?}");
        assert!(error.help_text().is_some(), "{error:?}");
        error
    }
}

fn file(server: &Server, name: &str) -> String {
    server.url(&format!("{PUBLIC}{name}"))
}

/// A server whose every answer is this one.
fn always(head: &'static str, body: &'static [u8]) -> Server {
    Server::start(move |_, _| Answer::new(head, body))
}

fn names_asked(server: &Server) -> Vec<String> {
    let name = |request: &Arc<Request>| request.path().trim_start_matches(PUBLIC).to_owned();
    server.requests().iter().map(name).collect()
}

#[test]
fn an_image_is_downloaded_into_the_cache() {
    let server = always(OK, GIF);
    let build = Build::at(&server);
    let fetched = build.fetch(&file(&server, "a.gif")).unwrap();
    let key = *blake3::hash(GIF).as_bytes();
    assert_eq!(fetched, Fetched { key, bytes: 13, downloaded: true, warning: None });
    assert_eq!(build.cache.get(&key).unwrap(), GIF);
}

#[test]
fn a_request_says_who_asks_for_what_and_nothing_else() {
    let server = always(OK, GIF);
    Build::at(&server).fetch(&file(&server, "a.gif")).unwrap();
    let requests = server.requests();
    let agent = format!("frieze/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(requests[0].header("user-agent"), Some(agent.as_str()));
    let images = "image/webp,image/png,image/jpeg,image/gif,image/svg+xml,image/avif";
    assert_eq!(requests[0].header("accept"), Some(images));
    for name in ["authorization", "cookie", "referer", "if-none-match", "if-modified-since"] {
        assert_eq!(requests[0].header(name), None, "{name}");
    }
}

#[test]
fn results_come_in_the_order_of_the_urls() {
    let server = Server::start(|_, request| match request.path() {
        path if path.ends_with("none.gif") => Answer::new("404 Not Found", b""),
        path => Answer::new(OK, &[GIF, path.as_bytes()].concat()),
    });
    let name = |i: usize| if i == 7 { "none.gif".to_owned() } else { format!("{i}.gif") };
    let urls: Vec<String> = (0..20).map(|i| file(&server, &name(i))).collect();
    for (i, result) in Build::at(&server).fetch_all(&urls).into_iter().enumerate() {
        let body = [GIF, format!("{PUBLIC}{i}.gif").as_bytes()].concat();
        assert_eq!(
            result.ok().map(|found| found.key == *blake3::hash(&body).as_bytes()),
            (i != 7).then_some(true)
        );
    }
}

#[test]
fn nothing_to_fetch_is_no_work() {
    let build = Build::new("", &[]);
    assert!(fetch_all(&build.rules, &[], &build.cache).unwrap().is_empty());
}

#[test]
fn four_requests_to_one_host_run_at_a_time() {
    // Nobody is answered before four have asked.
    let barrier = Barrier::new(4);
    let server = Server::start(move |_, _| {
        barrier.wait();
        Answer::new(OK, GIF)
    });
    let urls: Vec<String> = (0..4).map(|i| file(&server, &format!("{i}.gif"))).collect();
    assert!(Build::at(&server).fetch_all(&urls).iter().all(Result::is_ok));
}
