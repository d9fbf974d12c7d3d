//! What is served is what a build writes: every file of the sample site, byte for byte, with the
//! headers it has on a host.

use std::collections::BTreeMap;

use crate::kit::{Server, page_of};
use crate::site::Site;

/// The headers that the build's own `_headers` file gives to a path.
pub fn rules(file: &str, path: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut applies = false;
    for line in file.lines() {
        match line.strip_prefix("  ") {
            None => applies = line == "/*" || path.starts_with(line.trim_end_matches('*')),
            Some(header) if applies => {
                let (name, value) = header.split_once(": ").unwrap();
                found.insert(name.to_lowercase(), value.to_owned());
            }
            Some(_) => {}
        }
    }
    // What hosts say of themselves about everything that is no asset.
    found
        .entry("cache-control".to_owned())
        .or_insert("public, max-age=0, must-revalidate".to_owned());
    // There is no encrypted way to this server.
    found.remove("strict-transport-security");
    let policy = found.get_mut("content-security-policy").unwrap();
    *policy = policy.replace("; upgrade-insecure-requests", "");
    found
}

#[test]
fn every_file_of_the_sample_site_is_served_as_it_is_built() {
    let site = Site::copy_of(".");
    site.build();
    let built = site.dist();
    let headers = String::from_utf8(built["_headers"].clone()).unwrap();
    let server = Server::dev(&site, &[]);
    let (mut pages, mut files) = (0, 0);
    // Images have names once the pages are rendered that show them.
    let (shown, others): (Vec<_>, Vec<_>) =
        built.iter().partition(|(file, _)| file.ends_with(".html") || file.ends_with(".xml"));
    for (file, bytes) in shown.into_iter().chain(others) {
        if ["_headers", "_redirects"].contains(&file.as_str()) {
            continue;
        }
        let path = format!("/{}", file.strip_suffix("index.html").unwrap_or(file));
        let answer = server.get(&path);
        assert_eq!(answer.status, 200, "{path}");
        let is_page = file.ends_with(".html");
        let body = if is_page { page_of(&answer) } else { &answer.body };
        assert!(body == bytes, "{path} is not what is built");
        for (name, value) in rules(&headers, &path) {
            assert_eq!(answer.header(&name), Some(value.as_str()), "{path}: {name}");
        }
        assert!(answer.header("content-type").is_some(), "{path}");
        (pages, files) = (pages + usize::from(is_page), files + 1);
    }
    assert!(pages > 10 && files > 60, "{pages} pages of {files} files");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_page_with_a_new_image_waits_for_it() {
    let site = Site::small();
    let photo = std::fs::read("content/images/about.jpg").unwrap();
    site.write("content/images/new.jpg", &photo);
    site.project("a", "a", "![Quay](images/new.jpg)");
    let server = {
        // Nothing is in the cache.
        let own = site.root.join("own-cache");
        site.edit("frieze.toml", "[layouts]", &format!("[cache]\nfolder = {own:?}\n\n[layouts]"));
        Server::dev(&site, &[])
    };
    let html = server.text("/projects/a/");
    assert!(
        html.contains("data:image/webp;base64,") && !html.contains("data-frieze-pending"),
        "{html}"
    );
    let src = html.split("srcset=\"").nth(1).unwrap().split(' ').next().unwrap();
    let image = server.get(src);
    assert_eq!((image.status, image.header("content-type")), (200, Some("image/webp")));
    assert!(image.body.starts_with(b"RIFF"));
}

#[test]
fn the_policy_names_what_pages_hold_that_nobody_has_asked_for() {
    let site = Site::small();
    // One script is in a section of another page, one on the page of a single row.
    site.write("templates/sections/clock.toml", "label = \"Clock\"\n");
    site.write("templates/sections/clock.html", "<p>clock</p><script>tick()</script>");
    site.layout("about", r#"{"sections": [{"id": "clock", "config": {}}]}"#);
    let page =
        "<p>{{ row.title }}</p>{% if row.title == \"odd\" %}<script>odd()</script>{% endif %}";
    site.write("templates/pages/project.html", page);
    site.project("a", "a", "body-a");
    site.project("odd", "odd", "body-odd");
    let policy = |site: &Site| {
        site.build();
        let headers = String::from_utf8(site.dist()["_headers"].clone()).unwrap();
        rules(&headers, "/").remove("content-security-policy").unwrap()
    };
    let both = policy(&site);
    assert_eq!(both.matches("'sha256-").count(), 3, "two and the theme's own: {both}");
    let server = Server::dev(&site, &[]);
    let is = |policy: &str| {
        server.until("/", |answer| answer.header("content-security-policy") == Some(policy));
    };
    is(&both);
    // The only row that had it has it no longer; and comes back.
    site.edit("content/projects/odd.md", "\"odd\"\nslug", "\"even\"\nslug");
    server.until_holds("/projects/odd/", "even");
    server.until("/", |answer| {
        answer.header("content-security-policy").unwrap().matches("'sha256-").count() == 2
    });
    site.edit("content/projects/odd.md", "\"even\"\nslug", "\"odd\"\nslug");
    is(&both);
    std::fs::remove_file(site.root.join("content/page_layouts/about.json")).unwrap();
    server.until("/about/", |answer| answer.status == 404);
    server.until("/", |answer| {
        answer.header("content-security-policy").unwrap().matches("'sha256-").count() == 2
    });
}
