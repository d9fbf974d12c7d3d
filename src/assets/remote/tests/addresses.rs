//! Where names and addresses may lead.

use super::*;

#[test]
fn a_name_that_leads_inside_is_refused_at_once() {
    let mut build = Build::new("", &["http://a.example"]);
    build.names = vec![("a.example", "1.1.1.1"), ("a.example", "10.0.0.7")];
    build.fails("http://a.example/a.gif", "a.example is at 10.0.0.7, a private address");
    assert_eq!(build.lookups.load(Ordering::SeqCst), 1);
}

#[test]
fn an_address_is_looked_at_like_a_name() {
    let hosts = ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]"];
    let hosts: Vec<String> = hosts.map(|host| format!("http://{host}")).to_vec();
    let build = Build::new("", &hosts.iter().map(String::as_str).collect::<Vec<_>>());
    build.fails("http://127.0.0.1/a.gif", "127.0.0.1 is at 127.0.0.1, a loopback address");
    build.fails("https://0x7f.1/a.gif", "a loopback address");
    build.fails("http://2852039166/latest/meta-data", "a link-local address");
    build.fails("http://[::1]/a.gif", "a loopback address");
    build.fails("https://[::ffff:10.0.0.1]/a.gif", "an IPv4-mapped address");
}

#[test]
fn a_storage_called_localhost_is_on_loopback() {
    let server = always(OK, GIF);
    let storage = format!("http://localhost:{}", server.port());
    let mut build = Build::new(&storage, &[]);
    build.names = vec![("localhost", "127.0.0.1")];
    let url = format!("{storage}{PUBLIC}a.gif");
    assert!(build.fetch(&url).unwrap().downloaded);
    build.names = vec![("localhost", "93.184.215.14")];
    build.fails(&url, "not a loopback address");
}

#[test]
fn a_storage_with_a_name_of_its_own_is_not_on_loopback() {
    let server = always(OK, GIF);
    let storage = format!("http://kong.example:{}", server.port());
    let mut build = Build::new(&storage, &[]);
    build.names = vec![("kong.example", "127.0.0.1")];
    build.fails(&format!("{storage}{PUBLIC}a.gif"), "a loopback address");
    assert_eq!(server.requests().len(), 0);
}
