//! What is wrong, over the last good page; and what may have been meant.

use crate::chromium::Browser;
use crate::kit::Server;
use crate::{append, sample, url};

#[test]
fn what_is_wrong_lies_over_the_last_good_page_until_it_is_mended() {
    let site = sample();
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    let tab = browser.tab(&url(&server, "/projects/tidebook/"));
    let other = browser.tab(&url(&server, "/about/"));
    tab.eval("window.marked = 1");
    let (good, bad) = ("{% block main %}", "{% block main %}\n{{ row.title | nosuchfilter }}");
    tab.after(|| site.edit("templates/pages/project.html", good, bad));
    tab.until("document.querySelector('frieze-dev')?.shadowRoot.querySelector('mark')");
    let line = "document.querySelector('frieze-dev').shadowRoot.querySelector('mark').textContent";
    assert!(tab.eval(line).as_str().unwrap().contains("{{ row.title | nosuchfilter }}"));
    assert!(tab.panel().contains("pages/project.html"), "{}", tab.panel());
    assert!(tab.eval("document.querySelector('main').textContent.includes('Tidebook')") == true);
    // It is styled, lies above the page, and can be closed by the keyboard.
    let panel = "document.querySelector('frieze-dev').shadowRoot.querySelector('.panel')";
    assert_eq!(tab.eval(&format!("getComputedStyle({panel}).position")), "fixed");
    let top = "(() => { const { left, top } = box.getBoundingClientRect(); \
        return document.elementFromPoint(left + 20, top + 20)?.nodeName })()";
    assert_eq!(tab.eval(&top.replace("box", panel)), "FRIEZE-DEV");
    let escape = "dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))";
    tab.until(&format!("({escape}, !document.querySelector('frieze-dev'))"));

    append(&site, "templates/pages/project.html", "\n");
    tab.until("document.querySelector('frieze-dev')");
    site.edit("templates/pages/project.html", bad, good);
    tab.until("!document.querySelector('frieze-dev')");
    other.until("!document.querySelector('frieze-dev')");
    assert_eq!(tab.eval("window.marked"), 1);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_page_that_is_missing_lists_what_is_near_until_it_is_there() {
    let site = sample();
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    let tab = browser.tab(&url(&server, "/projects/tidebok/"));
    tab.until("document.querySelector('frieze-dev')?.shadowRoot.querySelector('a[href=\"/projects/tidebook/\"]')");
    let row = std::fs::read_to_string(site.root.join("content/projects/tidebook.md")).unwrap();
    assert!(row.contains("slug = \"tidebook\""));
    tab.eval("window.marked = 1");
    site.edit("content/projects/tidebook.md", "slug = \"tidebook\"", "slug = \"tidebok\"");
    tab.until("document.querySelector('[name=word]') && !document.querySelector('frieze-dev')");
    site.edit("content/projects/tidebook.md", "slug = \"tidebok\"", "slug = \"tidebook\"");
    tab.until("document.querySelector('frieze-dev')?.shadowRoot.querySelector('a[href=\"/projects/tidebook/\"]')");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
