//! Layouts that are not published: seen with `--drafts`, and never without.

use crate::kit::Server;
use crate::site::Site;

fn version(site: &Site, version: u32, published: bool, text: &str) {
    let layout =
        format!(r#"{{"sections": [{{"id": "heading", "config": {{"text": "{text}"}}}}]}}"#);
    let row = format!(
        r#"{{"page_name": "home", "version": {version}, "is_published": {published}, "layout_json": {layout}}}"#
    );
    site.write(&format!("content/page_layouts/home-{version}.json"), row);
}

#[test]
fn drafts_are_shown_only_to_who_asks_for_them() {
    let site = Site::small();
    version(&site, 2, true, "Second");
    version(&site, 3, false, "Third");
    let server = Server::dev(&site, &[]);
    assert!(server.text("/").contains("Second"));
    assert!(!server.text("/?draft=3").contains("Third"));
    drop(server);
    let server = Server::dev(&site, &["--drafts"]);
    assert!(server.text("/").contains("Third"));
    assert!(server.text("/?draft=1").contains("Hello"));
    assert!(server.text("/?draft=2").contains("Second"));
    assert_eq!(server.get("/?draft=9").status, 404);
    version(&site, 3, false, "Third again");
    server.until_holds("/", "Third again");
}

#[test]
fn a_draft_is_never_the_last_good_page() {
    let site = Site::small();
    version(&site, 2, false, "Second");
    let server = Server::dev(&site, &["--drafts"]);
    // Only the first version was ever asked for.
    assert!(server.text("/?draft=1").contains("Hello"));
    site.write("templates/pages/layout.html", "{{ page.nothing.at.all }}");
    server.told("changed");
    let page = server.get("/");
    assert_eq!(page.status, 500);
    assert!(!page.text().contains("Hello"), "{}", page.text());
    assert!(server.text("/?draft=1").contains("Hello"), "its own last good version");
    // Each is wrong by itself, and the script asks as the browser's address has it.
    server.until_fault("/%3Fdraft=1", "layout.html");
    server.until_fault("/", "layout.html");
    std::fs::remove_file(site.root.join("templates/pages/layout.html")).unwrap();
    server.until_holds("/", "Second");
    server.until_well("/");
    server.until_well("/%3Fdraft=1");
}
