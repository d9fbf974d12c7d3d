//! What the cache keeps of former builds, and when it has to do.

use super::*;

/// A server that answers its first request with an image, and then as it is told.
fn good_once(then: impl Fn() -> Answer + Send + Sync + 'static) -> Server {
    Server::start(move |number, _| if number == 0 { Answer::new(OK, GIF) } else { then() })
}

/// A server that has one image and knows whether a client has it already.
fn validating(validator: &'static str, condition: &'static str, value: &'static str) -> Server {
    Server::start(move |_, request| {
        let known = request.header(condition) == Some(value);
        let status = if known { "304 Not Modified" } else { "200 OK" };
        Answer::new(&format!("{status}\r\n{validator}"), if known { b"" } else { GIF })
    })
}

#[test]
fn an_image_with_the_same_tag_is_not_downloaded_again() {
    let server = validating("ETag: \"v1\"", "if-none-match", "\"v1\"");
    let build = Build::at(&server);
    let first = build.fetch(&file(&server, "a.gif")).unwrap();
    let second = build.fetch(&file(&server, "a.gif")).unwrap();
    assert_eq!(second, Fetched { downloaded: false, ..first });
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn an_image_of_the_same_date_is_not_downloaded_again() {
    let date = "thu, 01 jan 2026 00:00:00 gmt";
    let server =
        validating("Last-Modified: thu, 01 jan 2026 00:00:00 gmt", "if-modified-since", date);
    let build = Build::at(&server);
    assert!(build.fetch(&file(&server, "a.gif")).unwrap().downloaded);
    assert!(!build.fetch(&file(&server, "a.gif")).unwrap().downloaded);
}

#[test]
fn a_changed_image_is_downloaded() {
    let server = Server::start(|number, _| match number {
        0 => Answer::new("200 OK\r\nETag: \"v1\"", GIF),
        _ => Answer::new("200 OK\r\nETag: \"v2\"", OTHER),
    });
    let build = Build::at(&server);
    build.fetch(&file(&server, "a.gif")).unwrap();
    let second = build.fetch(&file(&server, "a.gif")).unwrap();
    assert_eq!((second.key, second.downloaded), (*blake3::hash(OTHER).as_bytes(), true));
    build.fetch(&file(&server, "a.gif")).unwrap();
    let asked: Vec<_> = server.requests();
    assert_eq!(asked[1].header("if-none-match"), Some("\"v1\""));
    assert_eq!(asked[2].header("if-none-match"), Some("\"v2\""));
}

#[test]
fn a_damaged_copy_is_downloaded_anew() {
    let server = validating("ETag: \"v1\"", "if-none-match", "\"v1\"");
    let build = Build::at(&server);
    let first = build.fetch(&file(&server, "a.gif")).unwrap();
    build.cache.put(&first.key, b"GIF8").unwrap();
    assert_eq!(build.fetch(&file(&server, "a.gif")).unwrap(), first);
    assert_eq!(build.cache.get(&first.key).unwrap(), GIF);
}

#[test]
fn a_copy_is_no_way_around_the_limit() {
    let server = validating("ETag: \"v1\"", "if-none-match", "\"v1\"");
    let mut build = Build::at(&server);
    build.fetch(&file(&server, "a.gif")).unwrap();
    build.rules.max_bytes = 12;
    build.fails(&file(&server, "a.gif"), "is larger than 12 B");
}

#[test]
fn not_modified_is_no_answer_to_who_has_nothing() {
    let server = always("304 Not Modified", b"");
    Build::at(&server).fails(&file(&server, "a.gif"), "304 Not Modified");
}

#[test]
fn refusals_of_the_server_are_errors_even_with_a_copy() {
    for status in ["403 Forbidden", "404 Not Found", "410 Gone", "401 Unauthorized"] {
        let server = good_once(move || Answer::new(status, b""));
        let build = Build::at(&server);
        build.fetch(&file(&server, "a.gif")).unwrap();
        build.fails(&file(&server, "a.gif"), status);
        assert_eq!(server.requests().len(), 2, "{status}");
    }
}

#[test]
fn a_refused_place_is_an_error_even_with_a_copy() {
    let to = "302 Found\r\nLocation: http://cdn.example/a.gif";
    let server = good_once(move || Answer::new(to, b""));
    let mut build = Build::new(&server.url("/"), &["http://cdn.example"]);
    build.names.push(("cdn.example", "192.168.0.1"));
    build.fetch(&file(&server, "a.gif")).unwrap();
    build.fails(&file(&server, "a.gif"), "a private address");
    build.rules.storage = None;
    build.fails(&file(&server, "a.gif"), "on a port of its own");
}

#[test]
fn a_copy_has_to_do_where_the_server_fails() {
    let server = good_once(|| Answer::new("500 Internal Server Error", b""));
    let build = Build::at(&server);
    let first = build.fetch(&file(&server, "a.gif")).unwrap();
    let second = build.fetch(&file(&server, "a.gif")).unwrap();
    assert_eq!((second.key, second.bytes, second.downloaded), (first.key, first.bytes, false));
    let warning = second.warning.unwrap();
    assert!(warning.contains("copy of a former build"), "{warning}");
    assert!(warning.contains("500 Internal Server Error"), "{warning}");
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_copy_has_to_do_where_no_server_is() {
    let server = always(OK, GIF);
    let (build, url) = (Build::at(&server), file(&server, "a.gif"));
    build.fetch(&url).unwrap();
    drop(server);
    let second = build.fetch(&url).unwrap();
    assert!(second.warning.unwrap().contains("cannot download the image"));
}
