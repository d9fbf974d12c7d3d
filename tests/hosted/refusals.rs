//! Every refusal has a message of its own, says what to do, and shows no secret.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::{Site, Way, hosted, hosted::Hosted, says};

fn with(url: String) -> Site {
    let mut site = Site::copy_of("examples/blog");
    // What passes is waited for in other tests.
    site.edit("frieze.toml", "[database]", "[database]\nretry_seconds = 0");
    site.database_url = Some(url);
    site
}

/// What a build on this address says.
fn refused(url: String, words: &[&str]) {
    says(&with(url).run(&["build"]), 4, words);
}

fn at() -> &'static Hosted {
    hosted()
}

#[test]
fn an_authority_that_is_not_known() {
    let stranger = format!("sslmode=verify-full&sslrootcert={}", at().stranger().display());
    for parameters in [&*stranger, "sslmode=verify-full", "sslmode=verify-ca"] {
        let words = [
            "TLS: ",
            "who signed the certificate of localhost is not known here",
            "sslrootcert=FILE",
        ];
        refused(at().url_with(Way::Direct, "postgres", parameters), &words);
    }
}

/// A file that is not there must not pass for a server that is not.
#[test]
fn a_certificate_file_that_is_none() {
    let folder = at().authority().parent().unwrap().display().to_string();
    for (file, why) in [
        ("/nowhere/ca.pem".to_owned(), "No such file"),
        (folder.clone(), "Is a directory"),
        (format!("{folder}/session.ini"), "holds no certificate"),
    ] {
        for mode in ["", "&sslmode=verify-full"] {
            let parameters = format!("sslrootcert={file}{mode}");
            let run = with(at().url_with(Way::Direct, "postgres", &parameters)).run(&["build"]);
            says(&run, 3, &["sslrootcert names the file", &file, why]);
        }
    }
}

/// On this machine nothing has to be proved, unless somebody names what would prove it.
#[test]
fn a_certificate_that_is_named_is_checked() {
    let stranger = format!("sslrootcert={}", at().stranger().display());
    let words = ["who signed the certificate of localhost is not known here"];
    refused(at().url_with(Way::Direct, "postgres", &stranger), &words);
    let words = ["TLS: "];
    let required = format!("{stranger}&sslmode=require");
    refused(at().url_with(Way::Direct, "postgres", &required), &words);
}

#[test]
fn a_certificate_that_has_expired() {
    let words = ["certificate expired", "the certificate of localhost has expired", "clock"];
    refused(at().url(Way::Expired, "postgres"), &words);
}

#[test]
fn a_certificate_for_another_host() {
    let url = at().url(Way::Direct, "postgres").replace("@localhost:", "@127.0.0.1:");
    let words = ["certificate not valid for name", "is for another host than \"127.0.0.1\""];
    refused(url, &words);
}

#[test]
fn a_wrong_password_on_every_way() {
    for way in [Way::Direct, Way::Session, Way::Transaction] {
        let url = at().url(way, "postgres").replace("tr0ub4dor", "tr0ub4dog");
        refused(url, &["authentication failed", "check user and password in DATABASE_URL"]);
    }
}

#[test]
fn a_server_that_wants_encryption() {
    let url = at().url_with(Way::Direct, "postgres", "sslmode=disable");
    refused(url, &["no encryption", "remove sslmode=disable from DATABASE_URL"]);
    // A pooler is asked and says it in its own way.
    let url = at().url_with(Way::Session, "postgres", "sslmode=disable");
    refused(url, &["SSL required", "remove sslmode=disable from DATABASE_URL"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_connections() {
    let full = at().url(Way::Full, "postgres");
    // PgBouncer refuses a setting that this driver sends by default.
    let options: PgConnectOptions = full.parse().unwrap();
    let held = options.extra_float_digits(None).connect().await.unwrap();
    let words = ["no more connections allowed", "too many connections are open"];
    refused(full, &words);
    drop(held);
    hosted::run("postgres", "create role crowd login connection limit 0 password 'x'").await;
    let url = at().url(Way::Direct, "postgres").replacen(hosted::USER, "crowd", 1);
    let start = url.find(':').unwrap() + "://crowd:".len();
    let url = format!("{}x{}", &url[..start], &url[url.find('@').unwrap()..]);
    refused(url, &["(53300)", "too many connections are open"]);
}

#[test]
fn a_pooler_without_its_server() {
    let words = ["the pooler answers, but not the server behind it"];
    refused(at().url(Way::Gone, "postgres"), &words);
}

#[test]
fn a_setting_that_a_pooler_refuses() {
    let url = format!("{}&options=-c%20geqo%3Doff", at().url(Way::Session, "postgres"));
    refused(url, &["startup parameter", "the pooler refuses a setting"]);
}

#[test]
fn a_host_that_only_ipv6_reaches() {
    // The addresses set apart for documentation lead nowhere.
    let url = "postgres://me:tr0ub4dor@[2001:db8::1]:5432/db?connect_timeout=1".to_owned();
    refused(url, &["has IPv6 addresses only", "DATABASE_URL"]);
}

/// What Supabase's pooler says of a project that is paused, word for word.
#[test]
fn a_paused_project() {
    for said in ["Tenant or user not found", "(ENOTFOUND) tenant/user postgres.abcdef not found"] {
        let port = answer_with("XX000", said);
        let url = format!("postgres://postgres.abcdef:tr0ub4dor@127.0.0.1:{port}/postgres");
        refused(url, &[said, "the project is paused: restore it in the dashboard"]);
    }
}

#[test]
fn a_pooler_that_has_had_enough_wrong_passwords() {
    let port = answer_with("XX000", "(ECIRCUITBREAKER) Too many authentication errors");
    let url = format!("postgres://postgres.abcdef:tr0ub4dor@127.0.0.1:{port}/postgres");
    refused(url, &["too many wrong passwords were tried", "wait ten minutes"]);
}

/// A server that answers every start with one refusal.
fn answer_with(code: &'static str, message: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let mut fields = Vec::new();
        for (field, text) in [(b'S', "FATAL"), (b'V', "FATAL"), (b'C', code), (b'M', message)] {
            fields.push(field);
            fields.extend(text.as_bytes());
            fields.push(0);
        }
        fields.push(0);
        while let Ok((mut stream, _)) = listener.accept() {
            let mut start = [0; 1024];
            while let Ok(read) = stream.read(&mut start) {
                if start[..read].ends_with(&80_877_103_u32.to_be_bytes()) {
                    let _ = stream.write_all(b"N");
                    continue;
                }
                let length = u32::try_from(fields.len() + 4).unwrap();
                let _ = stream.write_all(b"E");
                let _ = stream.write_all(&length.to_be_bytes());
                let _ = stream.write_all(&fields);
                break;
            }
        }
    });
    port
}
