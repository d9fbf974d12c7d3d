//! Edits of every kind of file, saved as editors save, and what open pages are told of them.

use std::fs;

use serde_json::Value;

use crate::kit::{Server, page_of};
use crate::site::Site;

fn blog() -> Site {
    Site::copy_of("examples/blog")
}

/// As editors with backups save: the old file is moved away, the new one comes by a rename.
fn dance(site: &Site, path: &str, text: &str) {
    let path = site.root.join(path);
    let (backup, new) = (path.with_extension("html~"), path.with_file_name(".new.swp"));
    fs::rename(&path, &backup).unwrap();
    fs::write(&new, text).unwrap();
    fs::rename(&new, &path).unwrap();
    fs::remove_file(&backup).unwrap();
}

fn read(site: &Site, path: &str) -> String {
    fs::read_to_string(site.root.join(path)).unwrap()
}

/// A post of the example, by its file.
fn post(site: &Site) -> (String, String) {
    let mut files: Vec<_> = fs::read_dir(site.root.join("content/posts")).unwrap().collect();
    files.sort_by_key(|file| file.as_ref().unwrap().path());
    let name = files[0].as_ref().unwrap().file_name().into_string().unwrap();
    let text = read(site, &format!("content/posts/{name}"));
    let slug = text.split("slug = \"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    (format!("content/posts/{name}"), slug)
}

#[test]
fn a_template_is_shown_however_it_is_saved() {
    let site = blog();
    let server = Server::dev(&site, &[]);
    let (_, slug) = post(&site);
    let (path, page) = ("templates/pages/post.html", format!("/posts/{slug}/"));
    let mut open = server.open(&page);
    let text = read(&site, path);
    let with = |word: &str| text.replacen("<article", &format!("<p>{word}</p><article"), 1);
    assert_ne!(with("x"), text, "the template has an article");
    site.write(path, with("saved-in-place"));
    server.until_holds(&page, "saved-in-place");
    assert_eq!(open.next()["kind"], "page");
    dance(&site, path, &with("saved-by-a-dance"));
    server.until_holds(&page, "saved-by-a-dance");
    assert_eq!(open.next()["kind"], "page");
    // A site's own template, where there was none.
    fs::write(
        site.root.join("templates/pages/404.html"),
        "{% extends \"base.html\" %}{% block main %}own-missing{% endblock %}",
    )
    .unwrap();
    server.until_holds("/nowhere/", "own-missing");
    let told = server.told_until("changed", "templates/pages/404.html");
    assert!(told.iter().all(|line| line.get("error").is_none()), "a fault on the way: {told:?}");
}

#[test]
fn a_style_is_swapped_and_nothing_else_moves() {
    let site = blog();
    site.write("static/_assets/css/main.css", "body { color: red }");
    let server = Server::dev(&site, &[]);
    let home = server.text("/");
    let sheet = |html: &str| {
        let start = html.find("/_assets/css/main.").unwrap();
        html[start..].split(['"', ' ', '>']).next().unwrap().to_owned()
    };
    let former = sheet(&home);
    let mut open = server.open("/");
    site.write("static/_assets/css/main.css", "body { color: #00f }");
    let event = open.next();
    assert_eq!(event["kind"], "swap", "{event}");
    let now = event["files"][0][1].as_str().unwrap();
    assert_eq!(event["files"][0][0], Value::from(former.as_str()));
    assert_ne!(now, former);
    assert!(server.text(now).contains("#00f"));
    assert_eq!(sheet(&server.text("/")), now);
}

#[test]
fn a_post_is_shown_on_its_page_in_lists_and_in_the_feed() {
    let site = blog();
    let server = Server::dev(&site, &[]);
    let (path, slug) = post(&site);
    let page = format!("/posts/{slug}/");
    let title = read(&site, &path)
        .split("title = \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    site.edit(&path, &format!("title = \"{title}\""), "title = \"Words of today\"");
    for path in [page.as_str(), "/archive/", "/atom.xml", "/"] {
        server.until_holds(path, "Words of today");
        server.until_lacks(path, &format!(">{title}<"));
    }
    // Its path, its tags and its place in the order.
    site.edit(&path, &format!("slug = \"{slug}\""), "slug = \"words-of-today\"");
    server.until("/posts/words-of-today/", |answer| answer.status == 200);
    assert_eq!(server.get(&page).status, 404);
    server.until_holds("/archive/", "/posts/words-of-today/");
    site.write(
        "content/posts/later.md",
        "+++\ntitle = \"Later\"\nslug = \"later\"\npublished_at = 2031-01-01T00:00:00Z\ntags = [\"brand-new\"]\n+++\nlater-body\n",
    );
    server.until_holds("/posts/later/", "later-body");
    server.until_holds("/tags/brand-new/", "Later");
    let list = server.text("/archive/");
    assert!(list.find("Later") < list.find("Words of today"), "the newest comes first");
    // Under another name it is the same row, and with two rows of one slug nothing is taken.
    let id = |server: &Server| {
        server.text("/atom.xml").split("urn:uuid:").nth(1).unwrap()[..36].to_owned()
    };
    let before = id(&server);
    fs::rename(
        site.root.join("content/posts/later.md"),
        site.root.join("content/posts/a-later.md"),
    )
    .unwrap();
    server.until_holds("/_frieze/status.json", "content/posts/a-later.md");
    assert_eq!(id(&server), before);
    fs::copy(site.root.join("content/posts/a-later.md"), site.root.join("content/posts/twin.md"))
        .unwrap();
    assert!(
        server.told("error")["error"]["message"].as_str().unwrap().contains("already has a row")
    );
    fs::remove_file(site.root.join("content/posts/twin.md")).unwrap();
    server.told("mended");
    assert_eq!(server.get("/posts/later/").status, 200);
    fs::remove_file(site.root.join("content/posts/a-later.md")).unwrap();
    server.until("/posts/later/", |answer| answer.status == 404);
    server.until("/tags/brand-new/", |answer| answer.status == 404);
    // What is served at the end is what a build of these files writes.
    let served = server.get("/archive/");
    drop(server);
    site.build();
    assert!(page_of(&served) == site.page("archive/index.html").as_bytes());
}

#[test]
fn folders_that_come_and_go_are_noticed() {
    let site = Site::small();
    let server = Server::dev(&site, &[]);
    // There was no folder of templates, and none of posts.
    let elsewhere = site.root.join("elsewhere/pages");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("404.html"), "moved-in").unwrap();
    fs::rename(site.root.join("elsewhere"), site.root.join("templates")).unwrap();
    server.until_holds("/nowhere/", "moved-in");
    fs::write(site.root.join("templates/pages/404.html"), "and-changed").unwrap();
    server.until_holds("/nowhere/", "and-changed");
    fs::remove_dir_all(site.root.join("templates")).unwrap();
    server.until_lacks("/nowhere/", "and-changed");
    fs::create_dir_all(site.root.join("content/projects/deep")).unwrap();
    site.write("content/projects/deep/a.md", "+++\ntitle = \"A\"\nslug = \"a\"\n+++\nbody-a\n");
    server.until_holds("/projects/a/", "body-a");
    fs::rename(site.root.join("content/projects/deep"), site.root.join("gone")).unwrap();
    server.until("/projects/a/", |answer| answer.status == 404);
}

#[test]
fn a_picture_and_the_configuration_are_shown_anew() {
    let site = Site::copy_of(".");
    let server = Server::dev(&site, &[]);
    let before = server.text("/about/");
    let image = |html: &str| {
        html.split("about-").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned())
    };
    assert!(image(&before).is_some(), "{before}");
    fs::copy(
        site.root.join("content/images/solene-achard.jpg"),
        site.root.join("content/images/about.jpg"),
    )
    .unwrap();
    server.until("/about/", |answer| image(answer.text()) != image(&before));
    site.edit(
        "frieze.toml",
        "title = \"Solène Achard\"\nbase_url",
        "title = \"Another Name\"\nbase_url",
    );
    server.until_holds("/", "Another Name");
}
