//! Requests that are not to be answered, and those that ask for what is not there.

use std::process::Stdio;

use crate::kit::Server;
use crate::site::Site;

#[test]
fn only_requests_to_this_machine_by_its_own_name_are_answered() {
    let site = Site::small();
    let server = Server::dev(&site, &[]);
    let port = server.port;
    for host in ["localhost", "127.0.0.1", &format!("localhost:{port}"), &format!("[::1]:{port}")] {
        assert_eq!(server.ask("GET", "/", Some(host)).status, 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.nip.io", "192.168.0.7", "localhost.evil.example:80"] {
        for path in ["/", "/_frieze/", "/_frieze/events"] {
            let answer = server.ask("GET", path, Some(host));
            assert_eq!(answer.status, 421, "{host}{path}");
            assert!(!answer.text().contains("Hello"), "{host}{path}");
        }
    }
    assert_eq!(server.ask("GET", "/", None).status, 400);
    assert_eq!(server.ask("GET", "http://evil.example/", Some("localhost")).status, 421);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
        let answer = server.ask(method, "/", Some("localhost"));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let head = server.ask("HEAD", "/", Some("localhost"));
    let whole = server.get("/");
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("content-length"), whole.header("content-length"));
    // Only this machine is listened to; systems other than Linux have one such address.
    if cfg!(target_os = "linux") {
        let elsewhere = std::net::TcpListener::bind(("127.0.0.2", port));
        assert!(elsewhere.is_ok(), "other addresses are free");
    }
}

#[test]
fn no_path_leads_out_of_the_site() {
    let site = Site::small();
    site.write("secret.txt", "s3cret");
    let server = Server::dev(&site, &[]);
    for path in [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/_assets/../../secret.txt",
        "/%252e%252e/secret.txt",
        "/..%5csecret.txt",
        "/secret.txt%00.html",
    ] {
        assert_eq!(server.get(path).status, 400, "{path}");
    }
    for path in ["/secret.txt", "/frieze.toml", "/content/page_layouts/home.json", "/.frieze/"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
}

#[test]
fn pages_of_other_sites_lead_here_and_get_nothing_else() {
    let site = Site::small();
    let server = Server::dev(&site, &[]);
    let ask = |path: &str, from: &str, mode: &str| {
        server.get_with(path, &[("Sec-Fetch-Site", from), ("Sec-Fetch-Mode", mode)]).status
    };
    assert_eq!(ask("/", "cross-site", "navigate"), 200);
    assert_eq!(ask("/", "same-origin", "cors"), 200);
    for path in ["/", "/health.json", "/_frieze/", "/_frieze/client.js", "/_frieze/events"] {
        assert_eq!(ask(path, "cross-site", "no-cors"), 403, "{path}");
        assert_eq!(ask(path, "cross-site", "cors"), 403, "{path}");
    }
}

#[test]
fn players_get_the_part_they_ask_for() {
    let site = Site::small();
    let film: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    site.write("static/film.mp4", &film);
    site.build();
    for command in ["dev", "preview"] {
        let server = Server::start(&site, command, &[]);
        let part = |range: &str| server.get_with("/film.mp4", &[("Range", range)]);
        let whole = server.get("/film.mp4");
        assert_eq!((whole.status, whole.header("accept-ranges")), (200, Some("bytes")));
        let first = part("bytes=0-1");
        assert_eq!((first.status, first.body.as_slice()), (206, &film[..2]), "{command}");
        assert_eq!(first.header("content-range"), Some("bytes 0-1/100000"));
        assert_eq!(first.header("content-type"), Some("video/mp4"));
        assert!(part("bytes=99000-").body == film[99_000..]);
        assert!(part("bytes=-7").body == film[99_993..]);
        let beyond = part("bytes=100000-");
        assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */100000")));
        assert_eq!(part("bytes=0-1,5-9").status, 200);
        let other = [("Range", "bytes=0-1"), ("If-Range", "\"another\"")];
        assert_eq!(server.get_with("/film.mp4", &other).status, 200);
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_as_a_build_follows_it_and_what_changes_unseen_is_not_kept() {
    let site = Site::small();
    site.write("outside/a.js", "former()");
    site.write("static/note.txt", "a note");
    let link = |to: &str, at: &str| {
        let at = site.root.join(at);
        std::fs::create_dir_all(at.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(site.root.join(to), at).unwrap();
    };
    link("outside/a.js", "static/_assets/a.js");
    link("outside", "static/linked");
    site.build();
    let built = site.dist();
    let name = built.keys().find(|name| name.starts_with("_assets/a.")).unwrap();
    assert_eq!(built["linked/a.js"], b"former()");
    let server = Server::dev(&site, &[]);
    let hashed = server.get(&format!("/{name}"));
    assert_eq!(hashed.text(), "former()");
    assert!(hashed.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(server.get("/linked/a.js").text(), "former()");
    // Nobody tells of files elsewhere. What the name promises is no longer there.
    site.write("outside/a.js", "another()");
    let changed = server.get(&format!("/{name}"));
    assert_eq!((changed.text(), changed.header("cache-control")), ("another()", Some("no-store")));
    // What the links lead beside stays unseen.
    for path in ["/frieze.toml", "/outside/a.js", "/linked/../frieze.toml"] {
        assert_ne!(server.get(path).status, 200, "{path}");
    }
}

#[test]
fn what_is_missing_is_answered_with_what_is_near() {
    let site = Site::copy_of(".");
    site.edit(
        "frieze.toml",
        "[layouts]",
        "[[redirects]]\nfrom = \"/old/*\"\nto = \"/projects/:splat\"\nstatus = 302\n\n[layouts]",
    );
    let server = Server::dev(&site, &[]);
    let missing = server.get("/projects/tidebok/");
    assert_eq!(missing.status, 404);
    assert!(missing.text().contains("data-missing"), "the page asks for what is near");
    let near = server.text("/_frieze/near?path=/projects/tidebok/");
    assert!(near.contains("href=\"/projects/tidebook/\""), "{near}");
    let near = server.text("/_frieze/near?path=%2F%3Cscript%3E");
    assert!(!near.contains("<script>"), "{near}");
    for (path, status, to) in [
        ("/about", 308, "/about/"),
        ("/about/index.html?a=b", 308, "/about/?a=b"),
        ("/old/tidebook/", 302, "/projects/tidebook"),
    ] {
        let answer = server.get(path);
        assert_eq!((answer.status, answer.header("location")), (status, Some(to)), "{path}");
    }
}

#[test]
fn the_status_page_and_the_weight_of_a_page_are_told() {
    let site = Site::copy_of(".");
    let server = Server::dev(&site, &[]);
    server.get("/projects/tidebook/");
    let status = server.text("/_frieze/");
    for part in [
        "pages/project.html",
        "<b>heading</b>",
        "select of h1, h2, h3",
        "Stands on <a href=\"/\">/</a>, <a href=\"/about/\">/about/</a>.",
        "Time by template",
        "/projects/tidebook/",
        "last build",
    ] {
        assert!(status.contains(part), "{part}");
    }
    let found = server.text("/_frieze/?find=POSTGRES");
    let pages = found.split("<h2>Pages").nth(1).unwrap().split("</section>").next().unwrap();
    assert!(pages.contains("/tech/postgresql/") && !pages.contains("/tech/rust/"), "{pages}");
    assert!(server.text("/_frieze/?find=%3Cscript%3E").contains("There is none."));
    let json: serde_json::Value =
        serde_json::from_str(&server.text("/_frieze/status.json")).unwrap();
    assert_eq!(json["collections"]["projects"], 6);
    let weight = server.text("/_frieze/page?path=/projects/tidebook/");
    assert!(
        weight.contains(".css") && weight.contains("woff2") && weight.contains(".webp"),
        "{weight}"
    );
    assert!(weight.contains("HTML, compressed") && weight.contains("1600 × 1000"), "{weight}");
    for path in ["/_frieze/page", "/_frieze/page?path=", "/_frieze/page?path=health.json"] {
        assert_eq!(server.get(path).status, 404, "{path}");
    }
    let nowhere = server.get("/_frieze/page?path=/projects/tidebok/");
    assert_eq!(nowhere.status, 404);
    assert!(nowhere.text().contains("/_frieze/page?path=%2Fprojects%2Ftidebook%2F"));
    assert_eq!(server.get("/_frieze/other").status, 404);
}

#[test]
fn a_port_that_is_taken_is_passed_over_or_said_to_be_taken() {
    let site = Site::small();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let run = site.run(&["dev", "--port", &port]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(
        run.stderr.contains("cannot listen on 127.0.0.1 port") && run.stderr.contains("--port"),
        "{}",
        run.stderr
    );
    // Without a port, two find one each.
    let mut first = site.command(&["--json", "preview"]);
    let mut second = site.command(&["--json", "preview"]);
    site.build();
    let mut ports = Vec::new();
    let mut children = Vec::new();
    for command in [&mut first, &mut second] {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
        ports.push(ready["ready"]["local"].as_str().unwrap().to_owned());
        children.push(child);
    }
    for mut child in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_ne!(ports[0], ports[1]);
}

#[test]
fn a_slow_network_is_slow() {
    let site = Site::copy_of(".");
    let fast = Server::dev(&site, &[]);
    let body = fast.get("/favicon.ico").body;
    drop(fast);
    // So slow that the answer takes at least a tenth of a second, however fast the machine is.
    let kbit = (body.len() * 8 / 100).max(1).to_string();
    let slow = Server::dev(&site, &["--throttle", &kbit]);
    let begun = std::time::Instant::now();
    assert_eq!(slow.get("/favicon.ico").body, body);
    assert!(begun.elapsed() >= std::time::Duration::from_millis(90), "{:?}", begun.elapsed());
}
