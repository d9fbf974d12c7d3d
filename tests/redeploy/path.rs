//! The whole path, once: what the issue is shown by.

use std::time::{Duration, Instant};

use crate::PATIENCE;
use crate::kit::{Kit, Receiver};
use crate::stub::Stub;

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_becomes_one_deployment_and_the_page_shows_it() {
    let mut kit = Kit::installed().await;
    kit.deploy();
    let live = Stub::of_folder(kit.site.root.join("dist"));
    let same = kit.site.run(&["changed", "--url", &live.url("")]);
    assert_eq!(same.code, 0, "{}", same.stdout);
    assert_eq!(kit.marks().await, "");

    // A host that builds when it is asked to.
    let build = std::sync::Mutex::new(kit.site.command(&["build", "--deploy"]));
    let host = Stub::start(move |_, _| {
        let done = build.lock().unwrap().output().unwrap();
        if done.status.success() { (201, b"{}".to_vec()) } else { (500, done.stderr) }
    });
    let receiver =
        Receiver::start(&kit.site, &[("DEPLOY_HOOK_URL", &host.url("/deploy?token=hidden"))]);
    for n in 0..5 {
        kit.sql(&format!("update projects set description = 'The text number {n}'")).await;
        assert_eq!(receiver.tell("projects"), 202);
    }
    let last = Instant::now();
    assert_eq!(kit.marks().await, "public.projects=5");
    let other = kit.site.run(&["changed", "--url", &live.url("")]);
    assert_eq!(other.code, 1, "{}", other.stderr);
    assert!(other.stdout.contains("collection projects: 1 row\n"), "{}", other.stdout);
    assert!(other.stdout.contains("1 page changed:\n  /projects/first/"), "{}", other.stdout);

    host.wait_for(1);
    let called = &host.asked()[0];
    assert!(called.at - last > Duration::from_millis(500), "it did not wait for quiet");
    assert_eq!((called.method.as_str(), called.body.len()), ("POST", 0));
    assert_eq!(called.path, "/deploy?token=hidden");

    let begun = Instant::now();
    let page = loop {
        let page = fetch(&live.url("/projects/first/index.html"));
        if page.contains("The text number 4") {
            break page;
        }
        assert!(begun.elapsed() < PATIENCE, "{page}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    while kit.text("select string_agg(status, ' ') from site_builds").await.contains("running")
        || !kit.marks().await.is_empty()
    {
        assert!(begun.elapsed() < PATIENCE, "{}", kit.marks().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let same = kit.site.run(&["changed", "--url", &live.url("")]);
    assert_eq!(same.code, 0, "{}", same.stdout);
    assert_eq!(kit.marks().await, "");
    let builds = "select string_agg(status || coalesce(pages, 0), ' ') from site_builds";
    assert_eq!(kit.text(builds).await, "succeeded3 succeeded3");

    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(host.count(), 1);
    assert!(receiver.stop());
    let log = std::fs::read_to_string(kit.site.root.join("receiver.log")).unwrap();
    assert!(log.contains("deployed") && !log.contains("token=hidden"), "{log}");
}

/// What a visitor's browser would get.
fn fetch(url: &str) -> String {
    use std::io::{Read as _, Write as _};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
