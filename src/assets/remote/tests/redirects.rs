//! Redirects: where they may lead, and where not.

use super::*;

#[test]
fn redirects_are_followed_without_telling_where_from() {
    let server = Server::start(|number, _| match number {
        0 => Answer::new("302 Found\r\nSet-Cookie: a=b; Path=/\r\nLocation: b.gif", b""),
        _ => Answer::new(OK, GIF),
    });
    assert!(Build::at(&server).fetch(&file(&server, "a.gif?x=1")).unwrap().downloaded);
    assert_eq!(names_asked(&server), ["a.gif?x=1", "b.gif"]);
    let requests = server.requests();
    assert_eq!((requests[1].header("referer"), requests[1].header("cookie")), (None, None));
}

#[test]
fn five_redirects_are_followed_and_no_more() {
    let redirects = |most: usize| {
        Server::start(move |number, _| {
            let head = format!("301 Moved Permanently\r\nLocation: {number}.gif");
            if number < most { Answer::new(&head, b"") } else { Answer::new(OK, GIF) }
        })
    };
    let five = redirects(5);
    assert!(Build::at(&five).fetch(&file(&five, "a.gif")).is_ok());
    let six = redirects(6);
    Build::at(&six).fails(&file(&six, "a.gif"), "more than 5 times");
    assert_eq!(six.requests().len(), 6);
}

#[test]
fn a_validator_goes_only_to_where_it_came_from() {
    let server = Server::start(|_, request| match request.path() {
        path if path.ends_with("a.gif") => Answer::new("302 Found\r\nLocation: b.gif", b""),
        _ => Answer::new("200 OK\r\nETag: \"v1\"", GIF),
    });
    let build = Build::at(&server);
    build.fetch(&file(&server, "a.gif")).unwrap();
    build.fetch(&file(&server, "a.gif")).unwrap();
    let requests = server.requests();
    let tags: Vec<_> = requests.iter().map(|request| request.header("if-none-match")).collect();
    assert_eq!(tags, [None, None, None, Some("\"v1\"")]);
}

/// A server that redirects all to one place.
fn redirecting(to: String) -> Server {
    Server::start(move |_, _| Answer::new(&format!("302 Found\r\nLocation: {to}"), b""))
}

#[test]
fn a_redirect_reaches_nothing_else_on_loopback() {
    let inside = always(OK, GIF);
    let server = redirecting(file(&inside, "a.gif"));
    let error = Build::at(&server).fails(&file(&server, "a.gif"), "on 127.0.0.1");
    assert!(error.to_string().ends_with("a.gif: its server redirects to another place"), "{error}");
    assert_eq!((server.requests().len(), inside.requests().len()), (1, 0));
}

#[test]
fn a_redirect_stays_in_the_public_files_of_the_storage() {
    let server = redirecting("/storage/v1/object/sign/a.gif".to_owned());
    Build::at(&server).fails(&file(&server, "a.gif"), "not a public file");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_redirect_to_a_host_that_is_not_allowed_is_refused() {
    let server = redirecting("https://evil.example/a.gif?token=secret".to_owned());
    let build = Build::at(&server);
    let error = build.fails(&file(&server, "a.gif"), "evil.example, a host that is not allowed");
    assert!(!error.report().contains("secret"), "{error:?}");
    assert_eq!(build.lookups.load(Ordering::SeqCst), 0);
}

#[test]
fn a_redirect_to_a_name_that_leads_inside_is_refused() {
    let inside = always(OK, GIF);
    let server = redirecting("http://cdn.example/a.gif".to_owned());
    let mut build = Build::new(&server.url("/"), &["http://cdn.example"]);
    build.names.push(("cdn.example", "127.0.0.1"));
    let error = build.fails(&file(&server, "a.gif"), "cdn.example is at 127.0.0.1, a loopback");
    assert!(error.help_text().unwrap().contains("put the file in content/"));
    assert_eq!((server.requests().len(), inside.requests().len()), (1, 0));
}
