//! What is allowed by its name, and what is not.

use super::*;

fn rules(storage: &str, hosts: &[&str]) -> Rules {
    Rules {
        storage: Url::parse(storage).ok(),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        max_bytes: 1_000,
        timeout: Duration::from_secs(1),
    }
}

fn cloud() -> Rules {
    rules("https://abc.supabase.co", &["images.example", "http://old.example"])
}

#[track_caller]
fn refused(src: &str, expected: &str) -> Error {
    let error = cloud().check(src).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    error
}

#[test]
fn public_files_of_the_own_storage_are_allowed() {
    let src = "https://abc.supabase.co/storage/v1/object/public/shots/a%20b.png?width=3#top";
    let url = cloud().check(src).unwrap();
    assert_eq!(url.as_str(), src.trim_end_matches("#top"));
}

#[test]
fn other_files_of_the_own_storage_are_refused() {
    for path in ["/storage/v1/object/sign/a.png", "/rest/v1/rows", "/storage/v1/object/public"] {
        let error = refused(&format!("https://abc.supabase.co{path}"), "not a public file");
        assert!(error.help_text().unwrap().contains(PUBLIC));
    }
}

#[test]
fn a_path_does_not_climb_out_of_the_public_files() {
    for way in ["../sign/a.png", "%2e%2e/sign/a.png", "..%2Fsign/a.png", "x%2f..%5c..%2fa.png"] {
        refused(&format!("https://abc.supabase.co{PUBLIC}{way}"), "not a public file");
    }
    assert!(cloud().check(&format!("https://abc.supabase.co{PUBLIC}a..b.png")).is_ok());
}

#[test]
fn the_storage_is_an_origin_with_scheme_and_port() {
    refused(&format!("http://abc.supabase.co{PUBLIC}a.png"), "abc.supabase.co");
    refused(&format!("https://abc.supabase.co:444{PUBLIC}a.png"), "abc.supabase.co");
    assert!(cloud().check(&format!("https://abc.supabase.co:443{PUBLIC}a.png")).is_ok());
}

#[test]
fn listed_hosts_are_allowed_over_https_at_their_default_port() {
    assert!(cloud().check("https://images.example/a.png").is_ok());
    assert!(cloud().check("https://IMAGES.example:443/a.png").is_ok());
    refused("https://images.example:8443/a.png", "on a port of its own");
    refused("http://images.example/a.png", "without encryption");
}

#[test]
fn a_host_listed_with_http_is_allowed_without_encryption() {
    assert!(cloud().check("http://old.example/a.png").is_ok());
    assert!(cloud().check("https://old.example/a.png").is_ok());
    refused("http://old.example:8080/a.png", "on a port of its own");
}

#[test]
fn other_hosts_are_refused_with_a_remedy() {
    for host in
        ["evil.example", "images.example.evil.example", "x.images.example", "images.example."]
    {
        let error = refused(&format!("https://{host}/a.png"), &format!("is on {host}, a host"));
        assert_eq!(
            error.help_text(),
            Some("add the host to [images] hosts in frieze.toml, or put the file in content/")
        );
    }
}

#[test]
fn user_info_is_refused_and_not_repeated() {
    for src in ["https://me:pass@images.example/a.png", "https://me@images.example/a.png"] {
        let error = refused(src, "images.example");
        assert!(!error.report().contains("me@") && !error.report().contains("pass"), "{error:?}");
    }
    refused("https://images.example@evil.example/a.png", "evil.example");
}

#[test]
fn other_schemes_are_refused() {
    for src in ["file:///etc/passwd", "ftp://images.example/a", "data:image/png;base64,AA"] {
        refused(src, "not on the web");
    }
    refused("images.example/a.png?token=secret", "no URL that can be read");
}

#[test]
fn the_query_is_not_shown() {
    let error = refused("https://evil.example/a.png?token=secret", "https://evil.example/a.png");
    assert!(!error.report().contains("secret"));
}

#[test]
fn hosts_may_be_written_as_people_write_them() {
    let rules = rules("", &["Bücher.example", "https://cdn.example", "http://Old.example"]);
    for src in ["https://bücher.example/a", "https://cdn.example/a", "http://old.example/a"] {
        assert!(rules.check(src).is_ok(), "{src}");
    }
}

#[test]
fn a_list_entry_that_is_no_host_allows_nothing() {
    let rules =
        rules("", &["", "a.example/path", "u@b.example", "c.example:8080", "*", "?d.example"]);
    for host in ["a.example", "b.example", "c.example", "c.example:8080", "d.example"] {
        assert!(rules.check(&format!("https://{host}/path")).is_err(), "{host}");
    }
}

#[test]
fn prefixes_are_what_allowed_urls_begin_with() {
    let expected = [
        "https://abc.supabase.co/storage/v1/object/public/",
        "https://images.example/",
        "https://old.example/",
        "http://old.example/",
    ];
    assert_eq!(cloud().prefixes(), expected);
    let local = rules("http://127.0.0.1:54321", &[]);
    assert_eq!(local.prefixes(), ["http://127.0.0.1:54321/storage/v1/object/public/"]);
}

#[test]
fn only_a_storage_written_as_loopback_is_local() {
    let is_local =
        |storage: &str, src: &str| rules(storage, &[]).is_local(&Url::parse(src).unwrap());
    for local in ["http://127.0.0.1:54321", "http://localhost:54321", "http://[::1]:54321"] {
        assert!(is_local(local, &format!("{local}/a")), "{local}");
    }
    assert!(!is_local("http://127.0.0.1:54321", "http://127.0.0.1:54322/a"));
    assert!(!is_local("http://127.0.0.1:54321", "http://127.0.0.2:54321/a"));
    assert!(!is_local("http://127.0.0.1:54321", "https://127.0.0.1:54321/a"));
    assert!(!is_local("http://127.0.0.1:54321", "http://localhost:54321/a"));
    assert!(!is_local("http://10.0.0.1:54321", "http://10.0.0.1:54321/a"));
    assert!(!is_local("http://local.example", "http://local.example/a"));
}
