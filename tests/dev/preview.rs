//! `preview`: a finished site with the headers, redirects and pages its host would send.

use crate::kit::Server;
use crate::site::Site;

#[test]
fn a_finished_site_is_served_as_its_host_would() {
    let site = Site::copy_of(".");
    site.edit(
        "frieze.toml",
        "[layouts]",
        "[[redirects]]\nfrom = \"/old\"\nto = \"/about/\"\n\n[layouts]",
    );
    for target in ["static", "vercel"] {
        let output = site.root.join(format!("out-{target}"));
        let output = output.to_str().unwrap();
        let run = site.run(&["build", "--target", target, "--output", output]);
        assert_eq!(run.code, 0, "{}", run.stderr);
        let server = Server::start(&site, "preview", &["--output", output, "--target", target]);
        let root = format!("out-{target}{}", if target == "static" { "" } else { "/static" });
        let home = server.get("/");
        let file = std::fs::read(file(&site, &root, "index.html")).unwrap();
        assert!(home.body == file, "nothing is added");
        let policy = home.header("content-security-policy").unwrap();
        assert!(policy.contains("'sha256-") || policy.contains("script-src 'self'"), "{policy}");
        assert!(!policy.contains("upgrade-insecure-requests"), "{policy}");
        let missing = server.get("/nowhere/");
        assert_eq!(missing.status, 404);
        assert!(missing.body == std::fs::read(self::file(&site, &root, "404.html")).unwrap());
        for (path, status, to) in [("/old", 301, "/about/"), ("/about", 308, "/about/")] {
            let answer = server.get(path);
            assert_eq!((answer.status, answer.header("location")), (status, Some(to)), "{path}");
        }
        assert_eq!(server.get("/_headers").status, 404);
        assert_eq!(server.get("/%2e%2e/frieze.toml").status, 400);
        assert_eq!(server.ask("GET", "/", Some("evil.example")).status, 421);
        assert_eq!(server.stop(), Some(0));
    }
}

#[test]
fn redirects_lead_to_this_site_and_only_from_pages_of_folders() {
    let site = Site::small();
    site.write("static/posts/myindex.html", "<p>mine");
    site.write("static/about/index.html", "<p>about");
    site.build();
    let server = Server::start(&site, "preview", &[]);
    assert_eq!(server.get("/posts/myindex.html").text(), "<p>mine");
    for path in ["/about/index.html", "//about/index.html", "//about", "///about/index.html"] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("location")), (308, Some("/about/")), "{path}");
    }
    assert_eq!(server.get("/index.html").header("location"), Some("/"));
}

#[test]
fn texts_are_compressed_for_whoever_takes_that() {
    use std::io::Read as _;

    let site = Site::copy_of(".");
    site.build();
    let server = Server::start(&site, "preview", &[]);
    let built = site.dist();
    let home = server.get_with("/", &[("Accept-Encoding", "gzip, br")]);
    assert_eq!(home.header("content-encoding"), Some("gzip"));
    assert_eq!(home.header("vary"), Some("Accept-Encoding"));
    assert_eq!(home.header("content-length"), Some(home.body.len().to_string().as_str()));
    let mut html = Vec::new();
    flate2::read::GzDecoder::new(home.body.as_slice()).read_to_end(&mut html).unwrap();
    assert!(html == built["index.html"] && home.body.len() * 2 < html.len());
    let plain = server.get("/");
    assert!(plain.header("content-encoding").is_none() && plain.body == html);
    let icon = server.get_with("/favicon.ico", &[("Accept-Encoding", "gzip")]);
    assert!(icon.header("content-encoding").is_none() && icon.body == built["favicon.ico"]);
    let part = server.get_with("/", &[("Accept-Encoding", "gzip"), ("Range", "bytes=0-9")]);
    assert!(part.status == 206 && part.body == html[..10]);
}

fn file(site: &Site, root: &str, name: &str) -> std::path::PathBuf {
    site.root.join(root).join(name)
}

#[test]
fn without_a_finished_site_it_says_how_to_make_one() {
    let site = Site::small();
    let run = site.run(&["preview"]);
    assert_eq!(run.code, 7, "{}", run.stderr);
    assert!(run.stderr.contains("frieze build"), "{}", run.stderr);
}
