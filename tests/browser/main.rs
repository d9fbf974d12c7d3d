//! Dev mode as people see it: a real browser with open pages, while files and rows are edited.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod chromium;
#[path = "../dev/kit.rs"]
#[allow(dead_code, reason = "each test binary uses its own part")]
mod kit;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;

mod changes;
mod faults;
mod rows;
mod tabs;

use std::path::Path;

use kit::Server;
use site::Site;

/// The sample site, with a form on the pages of its projects.
fn sample() -> Site {
    let site = Site::copy_of(".");
    for file in
        ["templates/pages/project.html", "templates/base.html", "static/_assets/css/_site.css"]
    {
        own(&site, file);
    }
    let form = "{% block main %}<form id=\"form\"><input name=\"word\"><textarea></textarea>\
        <details><summary>more</summary>words</details></form>";
    site.edit("templates/pages/project.html", "{% block main %}", form);
    site
}

/// A file of the theme that comes with the program, as the site's own.
fn own(site: &Site, path: &str) {
    let theme = Path::new(env!("CARGO_MANIFEST_DIR"));
    site.write(path, std::fs::read(theme.join(path)).unwrap());
}

fn url(server: &Server, path: &str) -> String {
    format!("http://localhost:{}{path}", server.port)
}

fn append(site: &Site, path: &str, text: &str) {
    let former = std::fs::read_to_string(site.root.join(path)).unwrap();
    site.write(path, former + text);
}
