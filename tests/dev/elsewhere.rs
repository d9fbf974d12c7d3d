//! Images that lie elsewhere: named after the start, and not to be had at first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::kit::Server;
use crate::site::Site;
use crate::storage::{Answer, Storage};

/// A storage that has the photo while `there` says so.
fn storage(there: &Arc<AtomicBool>) -> Storage {
    let (there, photo) = (Arc::clone(there), std::fs::read("content/images/about.jpg").unwrap());
    Storage::start(move |_| {
        if there.load(Ordering::SeqCst) {
            Answer::image("image/jpeg", photo.clone())
        } else {
            Answer::status(404)
        }
    })
}

fn url(storage: &Storage, name: &str) -> String {
    format!("{}/storage/v1/object/public/photos/{name}", storage.url())
}

fn serve(site: &Site, storage: &Storage) -> Server {
    let cache = site.root.join("own-cache");
    let cache = cache.to_str().unwrap();
    Server::dev_with(site, &[("SUPABASE_URL", &storage.url()), ("FRIEZE_CACHE_DIR", cache)])
}

fn row(picture: &str, text: &str) -> String {
    format!("+++\ntitle = \"a\"\nslug = \"a\"\nthumbnail_url = \"{picture}\"\n+++\n{text}\n")
}

fn faults(server: &Server) -> Vec<serde_json::Value> {
    server.all_told().into_iter().filter(|line| line.get("error").is_some()).collect()
}

#[test]
fn an_image_that_is_named_after_the_start_is_fetched() {
    let storage = storage(&Arc::new(AtomicBool::new(true)));
    let site = Site::small();
    site.project("a", "a", "body-a");
    let server = serve(&site, &storage);
    assert!(server.text("/projects/a/").contains("body-a"));
    // In a column, and in a text: of a row that only changes its text, too.
    let column = url(&storage, "column.jpg");
    site.write("content/projects/a.md", row(&column, "body-b"));
    server.until_holds("/projects/a/", "body-b");
    server.until_well("/projects/a/");
    let text = format!("body-c ![Quay]({})", url(&storage, "text.jpg"));
    site.write("content/projects/a.md", row(&column, &text));
    server.until("/projects/a/", |answer| {
        let html = answer.text();
        html.contains("body-c") && html.contains("alt=\"Quay\"") && !html.contains(&storage.url())
    });
    server.until_well("/projects/a/");
    let faults = faults(&server);
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn an_image_that_cannot_be_had_is_forgotten_with_the_text_that_named_it() {
    let storage = storage(&Arc::new(AtomicBool::new(false)));
    let site = Site::small();
    let text = |name: &str| {
        let text = format!("![Quay]({})", url(&storage, &format!("{name}.jpg")));
        site.write("content/projects/a.md", row("", &text));
    };
    text("half-typed");
    let server = serve(&site, &storage);
    server.until_fault("/", "photos/half-typed.jpg");
    text("whole");
    server.until_fault("/", "photos/whole.jpg");
    site.write("content/projects/a.md", row("", "no picture"));
    server.until_holds("/projects/a/", "no picture");
    server.until_well("/");
}

#[test]
fn an_image_that_cannot_be_had_is_told_and_asked_for_again() {
    let there = Arc::new(AtomicBool::new(false));
    let storage = storage(&there);
    let site = Site::small();
    site.write("content/projects/a.md", row(&url(&storage, "a.jpg"), "body-a"));
    let server = serve(&site, &storage);
    let told = server.told("error").to_string();
    assert!(told.contains("photos/a.jpg") && told.contains("404"), "{told}");
    server.until_fault("/", "photos/a.jpg");
    // Nobody changes a file.
    there.store(true, Ordering::SeqCst);
    server.told("mended");
    server.until_holds("/projects/a/", "body-a");
    server.until_well("/");
    assert!(faults(&server).is_empty());
}
