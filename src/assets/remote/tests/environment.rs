//! What the system has or lacks.

use std::process::Command;

use super::*;

/// Runs one of the tests below in a program of its own, with variables that must not be set here.
#[track_caller]
fn run_with(test: &str, variables: &[(&str, &str)]) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("assets::remote::tests::environment::{test}"), "--ignored"])
        .envs(variables.iter().copied())
        .env_remove("SSL_CERT_DIR")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn the_systems_proxy_is_not_used() {
    let nobody = "http://127.0.0.1:9";
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    run_with("child_downloads", &names.map(|name| (name, nobody)));
}

#[test]
#[ignore = "runs only as a child of the test of proxies"]
fn child_downloads() {
    let server = always(OK, GIF);
    assert!(Build::at(&server).fetch(&file(&server, "a.gif")).is_ok());
}

#[test]
fn a_system_without_certificates_is_told_what_it_lacks() {
    run_with("child_lacks_certificates", &[("SSL_CERT_FILE", "/nowhere/certificates.pem")]);
}

#[test]
#[ignore = "runs only as a child of the test of certificates"]
fn child_lacks_certificates() {
    let server = always(OK, GIF);
    let build = Build::new(&server.url("/"), &["a.example"]);
    let error = build.fails("https://a.example/a.gif", "cannot prepare downloads over https");
    assert!(error.help_text().unwrap().contains("SSL_CERT_FILE"));
    // What needs none is not stopped by it.
    assert!(build.fetch(&file(&server, "a.gif")).is_ok());
}
