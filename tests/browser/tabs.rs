//! Many tabs: all follow, by one connection, whichever goes; and the way back in a tab's history.

use crate::chromium::Browser;
use crate::kit::Server;
use crate::{append, sample, url};

/// More than a browser opens connections to one server.
const MANY: usize = 8;

#[test]
fn every_tab_follows_and_finds_the_server_again() {
    let site = sample();
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    let mut tabs: Vec<_> =
        (0..MANY).map(|_| browser.tab(&url(&server, "/projects/tidebook/"))).collect();
    let shows =
        |word: &str| format!("document.querySelector('main').textContent.includes('{word}')");
    for tab in &tabs {
        tab.eval("window.marked = 1");
    }
    append(&site, "content/projects/tidebook.md", "\n\nFor eight tabs.\n");
    append(&site, "static/_assets/css/_site.css", "\nbody { outline: 7px solid rgb(1, 2, 3) }\n");
    for tab in &tabs {
        tab.until(&shows("For eight tabs."));
        tab.until("getComputedStyle(document.body).outlineColor == 'rgb(1, 2, 3)'");
    }
    // The first listened for the others; when it goes, another does.
    tabs.remove(0).goto("about:blank#gone");
    append(&site, "content/projects/tidebook.md", "\n\nWithout the first.\n");
    for tab in &tabs {
        tab.until(&shows("Without the first."));
    }
    let port = server.port;
    assert_eq!(server.stop(), Some(0));
    append(&site, "content/projects/tidebook.md", "\n\nWhile nobody served.\n");
    let server = Server::start_at(port, &site, "dev", &[]);
    for tab in &tabs {
        tab.until(&shows("While nobody served."));
    }
    append(&site, "content/projects/tidebook.md", "\n\nAnd afterwards.\n");
    for tab in &tabs {
        tab.until(&shows("And afterwards."));
        assert_eq!(tab.eval("window.marked"), 1, "no tab was loaded again");
    }
    drop(server);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_page_that_the_browser_keeps_holds_nothing_and_catches_up() {
    let site = sample();
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    let tab = browser.tab(&url(&server, "/projects/tidebook/"));
    let shows =
        |word: &str| format!("document.querySelector('main').textContent.includes('{word}')");
    let listens = "navigator.locks.query().then((all) => all.held.length)";
    // As browsers do that keep a page for the way back; this one may keep none.
    let event = |name: &str| {
        tab.eval(&format!(
            "dispatchEvent(new PageTransitionEvent('{name}', {{ persisted: true }}))"
        ));
    };
    tab.until_done(listens, 1);
    tab.eval("window.marked = 1");
    event("pagehide");
    tab.until_done(listens, 0);
    append(&site, "content/projects/tidebook.md", "\n\nWritten meanwhile.\n");
    server.until_holds("/projects/tidebook/", "Written meanwhile.");
    assert_eq!(tab.eval("window.seen.length"), 0, "nobody listens");
    event("pageshow");
    tab.until(&shows("Written meanwhile."));
    tab.until_done(listens, 1);
    append(&site, "content/projects/tidebook.md", "\n\nWritten afterwards.\n");
    tab.until(&shows("Written afterwards."));
    assert_eq!(tab.eval("window.marked"), 1);

    tab.goto(&url(&server, "/about/"));
    append(&site, "content/projects/tidebook.md", "\n\nWhile away.\n");
    server.until_holds("/projects/tidebook/", "While away.");
    // The answer has to come from the page that goes.
    tab.eval("if (location.pathname == '/about/') setTimeout(() => history.back()); 0");
    tab.until(&shows("While away."));
    append(&site, "content/projects/tidebook.md", "\n\nAnd back.\n");
    tab.until(&shows("And back."));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn tabs_that_cannot_agree_listen_while_they_are_seen() {
    let site = sample();
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    // As on another device, over the network.
    let alone = "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })";
    let tab = browser.tab_with(&url(&server, "/projects/tidebook/"), alone);
    let shows =
        |word: &str| format!("document.querySelector('main').textContent.includes('{word}')");
    let hide = |hidden: bool| {
        tab.eval(&format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        ));
    };
    tab.eval("window.marked = 1; window.seen.length = 0");
    append(&site, "content/projects/tidebook.md", "\n\nWhile seen.\n");
    // The text is there before the event is done with.
    tab.until(&format!("{} && window.seen.length > 0", shows("While seen.")));
    hide(true);
    tab.eval("window.seen.length = 0");
    append(&site, "content/projects/tidebook.md", "\n\nWhile hidden.\n");
    server.until_holds("/projects/tidebook/", "While hidden.");
    assert_eq!(tab.eval("window.seen.length"), 0, "nobody listens");
    hide(false);
    tab.until(&shows("While hidden."));
    assert_eq!(tab.eval("window.marked"), 1);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
