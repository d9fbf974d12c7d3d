//! Servers that fail, for a moment or for good.

use super::*;

#[test]
fn trouble_that_passes_is_waited_out() {
    let server = Server::start(|number, _| match number {
        0 | 1 => Answer::new("500 Internal Server Error", b"oh"),
        _ => Answer::new(OK, GIF),
    });
    assert!(Build::at(&server).fetch(&file(&server, "a.gif")).unwrap().downloaded);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn trouble_that_stays_is_an_error_after_three_tries() {
    let server = always("503 Service Unavailable", b"");
    Build::at(&server).fails(&file(&server, "a.gif"), "the server says 503 Service Unavailable");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_busy_server_says_when_to_come_again() {
    let busy = "429 Too Many Requests\r\nRetry-After: 0";
    let server = Server::start(move |number, _| match number {
        0 => Answer::new(busy, b""),
        _ => Answer::new(OK, GIF),
    });
    assert!(Build::at(&server).fetch(&file(&server, "a.gif")).is_ok());
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn a_server_that_is_busy_for_long_is_left_alone() {
    let server = always("429 Too Many Requests\r\nRetry-After: 3600", b"");
    Build::at(&server).fails(&file(&server, "a.gif"), "429 Too Many Requests");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_connection_that_breaks_is_tried_again() {
    let server = Server::start(|number, _| match number {
        0 | 1 => Answer::none(),
        _ => Answer::new(OK, GIF),
    });
    assert!(Build::at(&server).fetch(&file(&server, "a.gif")).is_ok());
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_server_that_is_not_there_is_an_error_without_secrets() {
    let server = always(OK, GIF);
    let (build, url) = (Build::at(&server), file(&server, "a.gif?token=secret"));
    drop(server);
    let error = build.fails(&url, "cannot download the image http://127.0.0.1");
    assert!(error.help_text().unwrap().contains("127.0.0.1"));
    assert!(!error.report().contains("secret"), "{error:?}");
}

#[test]
fn a_name_that_is_not_known_is_tried_three_times() {
    let build = Build::new("", &["http://a.example"]);
    build.fails("http://a.example/a.gif", "unknown name");
    assert_eq!(build.lookups.load(Ordering::SeqCst), 3);
}
