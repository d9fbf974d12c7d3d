//! How much is read, for how long, and what of it is kept.

use super::*;

#[test]
fn a_length_over_the_limit_is_refused_before_the_body_comes() {
    let head = "200 OK\r\nContent-Length: 1001";
    let server = Server::start(move |_, _| Answer::raw(head, GIF, Ending::Silence));
    Build::at(&server).fails(&file(&server, "a.gif"), "is larger than 1 kB");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_endless_body_is_cut_off() {
    let server = Server::start(|_, _| Answer::raw(OK, GIF, Ending::Endless));
    Build::at(&server).fails(&file(&server, "a.gif"), "is larger than 1 kB");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_body_of_just_the_limit_is_fine() {
    let server = always(OK, GIF);
    let mut build = Build::at(&server);
    build.rules.max_bytes = GIF.len() as u64;
    assert!(build.fetch(&file(&server, "a.gif")).is_ok());
}

#[test]
fn a_body_that_does_not_end_in_time_is_given_up() {
    let head = "200 OK\r\nContent-Length: 100";
    let server = Server::start(move |_, _| Answer::raw(head, GIF, Ending::Silence));
    let mut build = Build::at(&server);
    build.rules.timeout = Duration::from_millis(100);
    build.fails(&file(&server, "a.gif"), "did not arrive within 100ms");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn half_an_image_is_none() {
    let head = "200 OK\r\nContent-Length: 100";
    let server = Server::start(move |_, _| Answer::raw(head, GIF, Ending::Close));
    let build = Build::at(&server);
    build.fails(&file(&server, "a.gif"), "cannot download the image");
    assert_eq!(server.requests().len(), 3);
    assert_eq!(build.cache.len(blake3::hash(GIF).as_bytes()), None);
}

#[test]
fn what_is_not_an_image_is_not_kept() {
    const PAGE: &[u8] = &[b'<'; 512];
    let server = always("200 OK\r\nContent-Type: text/html; charset=utf-8", PAGE);
    let build = Build::at(&server);
    let error = build.fails(&file(&server, "a.gif"), "what came is text/html, 512 bytes");
    assert!(error.to_string().contains("a.gif"));
    assert_eq!(build.cache.len(blake3::hash(PAGE).as_bytes()), None);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_image_is_one_whatever_the_server_calls_it() {
    let server = always("200 OK\r\nContent-Type: application/octet-stream", b"<svg/>");
    assert!(Build::at(&server).fetch(&file(&server, "a")).is_ok());
}
