//! Connecting: every way it fails says what to do, and none of them prints a password.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/postgres.rs"]
mod postgres;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use frieze::config;
use frieze::db::Database;
use frieze::error::Error;
use sqlx::Connection as _;

const SECRET: &str = "s3cr3t";

fn config(url: &str) -> config::Database {
    config::Database {
        url: Some(config::Secret::new(url)),
        url_env: "SITE_DB".to_owned(),
        data_dir: PathBuf::from("unused"),
        role: "anon".to_owned(),
        kits: Vec::new(),
        patience: Duration::ZERO,
        on_unreachable: config::OnUnreachable::Fail,
        offline: false,
    }
}

/// The error of opening and connecting, which holds neither the secret nor the whole address.
async fn refused(url: &str) -> String {
    let error = match Database::open(&config(url)).await {
        Err(error) => error,
        Ok(database) => {
            for text in [database.describe(), format!("{database:?}")] {
                assert!(!text.contains(SECRET), "{text}");
            }
            database.connect().await.expect_err(url)
        }
    };
    told(&error, url)
}

fn told(error: &Error, url: &str) -> String {
    let text = format!("{}\n{error:?}\n{error}", error.report());
    assert!(!text.contains(SECRET) && !text.contains(postgres::PASSWORD), "{text}");
    assert!(!text.contains(url), "{text}");
    assert!(text.contains("help: "), "no remedy in {text}");
    text
}

fn says(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_address_connects_and_is_described_without_its_password() {
    let port = postgres::cluster().port();
    let password = "corr3ct-h0rse%40battery%2Fstaple";
    for url in [
        format!("postgres://with_password:{password}@127.0.0.1:{port}/postgres"),
        format!("postgresql://with_password@localhost:{port}/postgres?password={password}"),
        format!(
            "postgres:///postgres?host=127.0.0.1&port={port}&user=with_password&password={password}"
        ),
    ] {
        let database = Database::open(&config(&url)).await.unwrap();
        let described = database.describe();
        assert!(described.ends_with(&format!(":{port}/postgres as with_password")), "{described}");
        let mut connection = database.connect().await.unwrap();
        let name: String = sqlx::query_scalar("select current_setting('application_name')")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(name, "frieze");
        connection.close().await.unwrap();
        database.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_repeated() {
    let port = postgres::cluster().port();
    for url in [
        format!("postgres://with_password:{SECRET}@127.0.0.1:{port}/postgres"),
        format!("postgres://with_password@127.0.0.1:{port}/postgres?password={SECRET}"),
        format!("postgres://with_password:%733cr3t@127.0.0.1:{port}/postgres"),
    ] {
        let text = refused(&url).await;
        says(
            &text,
            &[
                "password authentication failed for user \"with_password\"",
                "check user and password in SITE_DB",
            ],
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_database_is_named() {
    let port = postgres::cluster().port();
    let text = refused(&format!("postgres://postgres:{SECRET}@127.0.0.1:{port}/nowhere")).await;
    says(&text, &["database \"nowhere\" does not exist", "create database \"nowhere\"", "SITE_DB"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_says_so() {
    let url = postgres::cluster().url("postgres");
    let mut admin = postgres::connect(&url).await;
    postgres::run(&mut admin, "create role crowded login connection limit 0").await;
    let text = refused(&url.replace("postgres@", &format!("crowded:{SECRET}@"))).await;
    says(&text, &["too many connections", "max_connections", "53300"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_home_names_host_and_port() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = refused(&format!("postgres://me:{SECRET}@127.0.0.1:{free}/db")).await;
    says(
        &text,
        &[
            &format!("cannot connect to the database at 127.0.0.1:{free}"),
            "is it running? SITE_DB names it; unset SITE_DB to use the embedded database",
        ],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_host_is_named() {
    let text = refused(&format!("postgres://me:{SECRET}@no-such-host.invalid/db")).await;
    says(&text, &["no-such-host.invalid:5432", "check the host name in SITE_DB"]);
}

/// A server that takes a connection and never answers.
#[tokio::test(flavor = "multi_thread")]
async fn silence_ends_after_ten_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = std::time::Instant::now();
    let text = refused(&format!("postgres://me:{SECRET}@127.0.0.1:{port}/db")).await;
    says(&text, &["no answer within 10 seconds", "firewall"]);
    assert!(begun.elapsed().as_secs() < 15);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_encryption_takes_an_explicit_word() {
    let port = postgres::cluster().port();
    let text =
        refused(&format!("postgres://me:{SECRET}@127.0.0.1:{port}/db?sslmode=verify-full")).await;
    says(&text, &["server does not support TLS", "sslmode=disable"]);
}

/// Something that says yes to encryption and then speaks none.
#[tokio::test(flavor = "multi_thread")]
async fn broken_encryption_is_told_from_a_wrong_certificate() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let _ = stream.read(&mut [0; 8]);
            let _ = stream.write_all(b"S");
            let _ = stream.write_all(&[b'?'; 64]);
            let _ = stream.read(&mut [0; 1024]);
        }
    });
    let text =
        refused(&format!("postgres://me:{SECRET}@127.0.0.1:{port}/db?sslmode=require")).await;
    says(&text, &["TLS: ", "does a Postgres server with TLS answer at 127.0.0.1?"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrations_refuse_a_transaction_pooler() {
    let url = format!("postgres://me:{SECRET}@pool.example.com:6543/db");
    let database = Database::open(&config(&url)).await.unwrap();
    let error = database.connect_to_migrate().await.unwrap_err();
    says(&told(&error, &url), &["pool.example.com:6543 is a transaction pooler", "port 5432"]);
}

/// Passwords that were not percent-encoded end up anywhere in what is parsed.
#[tokio::test(flavor = "multi_thread")]
async fn a_mistyped_address_is_not_repeated() {
    for (url, says_what) in [
        (format!("host=localhost password={SECRET}"), "is not a Postgres address"),
        (format!("mysql://me:{SECRET}@localhost/db"), "does not begin with postgres://"),
        (format!("postgres://me:{SECRET}/x@localhost/db"), "special characters"),
        (format!("postgres://me:{SECRET}#x@localhost:5432/db"), "special characters"),
        (format!("'postgres://me:{SECRET}@localhost/db'"), "has quotes or a command around"),
        (format!("psql postgres://me:{SECRET}@localhost/db"), "has quotes or a command around"),
        (format!("DATABASE_URL=postgres://me:{SECRET}@localhost/db"), "has its own name before"),
        ("postgres://me:[YOUR-PASSWORD]@localhost/db".to_owned(), "still holds [YOUR-PASSWORD]"),
        (format!("postgres://me:12/{SECRET}@localhost/db"), "special characters"),
        (format!("postgres://me:12#{SECRET}@localhost/db"), "special characters"),
        (format!("postgres://me:12?{SECRET}@localhost/db"), "special characters"),
        (format!("postgres://me:1?{SECRET}=1"), "unknown parameter"),
        (format!("postgres://localhost/db?pasword={SECRET}"), "did you mean \"password\"?"),
        (format!("postgres://localhost/db?sslmode={SECRET}"), "has a value that cannot be used"),
        (format!("postgres://localhost/db?port={SECRET}"), "has a value that cannot be used"),
        (format!("postgres://me:{SECRET}%ff@localhost/db"), "has a value that cannot be used"),
        (SECRET.to_owned(), "is not a Postgres address"),
    ] {
        let text = refused(&url).await;
        says(&text, &[says_what, "SITE_DB"]);
    }
}
