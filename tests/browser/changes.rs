//! Edits on an open page: what changes, and what has to stay as it is.

use crate::chromium::{Browser, Tab};
use crate::kit::Server;
use crate::{append, sample, url};

/// What a reload would lose.
fn touch(tab: &Tab<'_>) {
    tab.eval(
        "window.marked = 1; document.querySelector('[name=word]').value = 'typed'; \
         document.querySelector('textarea').value = 'written'; \
         document.querySelector('details').open = true; \
         document.querySelector('[name=word]').focus({ preventScroll: true }); scrollTo(0, 400)",
    );
}

fn is_touched(tab: &Tab<'_>, after: &str) {
    let kept = tab.eval(
        "[window.marked, document.querySelector('[name=word]').value, \
         document.querySelector('textarea').value, document.querySelector('details').open, \
         document.activeElement.name, Math.round(scrollY)].join(' ')",
    );
    assert_eq!(kept, "1 typed written true word 400", "after {after}");
    let scripts = "document.querySelectorAll('script[src^=\"/_frieze/\"]').length";
    assert_eq!(tab.eval(scripts), 1, "scripts after {after}");
}

#[test]
fn what_is_edited_is_shown_and_everything_else_stays() {
    let site = sample();
    let server = Server::dev(&site, &[]);
    let browser = Browser::start();
    let tab = browser.tab(&url(&server, "/projects/tidebook/"));
    tab.size(1200, 500);
    touch(&tab);

    let style = || {
        append(
            &site,
            "static/_assets/css/_site.css",
            "\nbody { outline: 7px solid rgb(1, 2, 3) }\n",
        );
    };
    assert_eq!(tab.after(style), "swap");
    assert_eq!(tab.eval("getComputedStyle(document.body).outlineColor"), "rgb(1, 2, 3)");
    assert_eq!(tab.eval("document.querySelectorAll('link[rel=stylesheet]').length"), 1);
    is_touched(&tab, "a style");

    for word in ["first", "second", "third"] {
        let content = || {
            append(&site, "content/projects/tidebook.md", &format!("\n\nThe {word} paragraph.\n"));
        };
        assert_eq!(tab.after(content), "page");
        tab.until(&format!(
            "document.querySelector('main').textContent.includes('The {word} paragraph.')"
        ));
        is_touched(&tab, "a row");
    }
    // What goes before the form does not carry it away.
    let template = |from: &str, to: &str| {
        tab.after(|| site.edit("templates/pages/project.html", from, to));
    };
    template("<form id=\"form\">", "<p>before</p><form id=\"form\">");
    tab.until("document.querySelector('form').previousElementSibling?.textContent == 'before'");
    template("<p>before</p><form id=\"form\">", "<form id=\"form\">");
    tab.until("document.querySelector('form').previousElementSibling?.textContent != 'before'");
    is_touched(&tab, "a template");

    let image = "document.querySelector('main img[srcset]').srcset";
    let former = tab.eval(image);
    let folder = site.root.join("content/images/projects");
    tab.after(|| {
        assert!(std::fs::copy(folder.join("ridgeway.jpg"), folder.join("tidebook.jpg")).is_ok());
    });
    tab.until(&format!("{image} != {former}"));
    is_touched(&tab, "an image");

    // Another script is another page; it opens where the reader was.
    tab.eval("scrollTo(0, 300)");
    site.edit("templates/base.html", "<script>", "<script>window.fresh = 1;");
    tab.until(
        "window.fresh == 1 && document.readyState == 'complete' && Math.round(scrollY) == 300",
    );
    assert_eq!(tab.eval("window.marked ?? null"), serde_json::Value::Null);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
