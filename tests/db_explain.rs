//! What a query's error turns into: what failed, what Postgres said, and what to do.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/config.rs"]
mod config;
#[path = "support/postgres.rs"]
mod postgres;

use frieze::db::{explain_as, migrate};
use frieze::error::Kind;
use sqlx::PgConnection;

async fn migrated() -> PgConnection {
    let mut connection = postgres::connect(&postgres::database().await).await;
    migrate::up(&mut connection, &config::built_in()).await.unwrap();
    connection
}

async fn error(connection: &mut PgConnection, sql: &'static str) -> sqlx::Error {
    sqlx::raw_sql(sql).execute(connection).await.expect_err(sql)
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_what_is_not_there_or_not_allowed() {
    let mut connection = migrated().await;
    let cases = [
        (
            "set role anon; select 1 from task_queue",
            "permission denied for table task_queue (42501)",
            "grant select on public.task_queue to anon;",
        ),
        (
            "reset role; select 1 from projcts",
            "relation \"projcts\" does not exist (42P01)",
            "correct the table's name in frieze.toml; frieze's own tables come with `frieze db migrate`",
        ),
        (
            "select sumary from projects",
            "column \"sumary\" does not exist (42703)",
            "Perhaps you meant to reference the column \"projects.summary\"",
        ),
        (
            "select wholly_unknown from projects",
            "does not exist (42703)",
            "correct the column's name in frieze.toml",
        ),
        (
            "set role nobody_here",
            "role \"nobody_here\" does not exist (22023)",
            "name a role it has in frieze.toml",
        ),
        (
            "set statement_timeout = 1; select pg_sleep(1)",
            "statement timeout (57014)",
            "statement_timeout",
        ),
    ];
    for (sql, because, help) in cases {
        let error = explain_as(error(&mut connection, sql).await, "reading things", "anon");
        let report = error.report();
        assert_eq!(error.kind(), Kind::Database);
        assert!(report.starts_with("error: reading things failed"), "{report}");
        assert!(report.contains(because) && report.contains(help), "{report}");
        assert!(!report.contains(" at line "), "the line of Postgres's own source: {report}");
    }
    let denied = error(&mut connection, "reset all; set role anon; select 1 from task_queue").await;
    let report = explain_as(denied, "reading", "web").report();
    assert!(report.ends_with("grant select on public.task_queue to web;"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_cut_says_so() {
    let url = postgres::database().await;
    let mut connection = postgres::connect(&url).await;
    let cut = error(&mut connection, "select pg_terminate_backend(pg_backend_pid())").await;
    let report = explain_as(cut, "reading", "anon").report();
    assert!(report.contains("terminating connection due to administrator command"), "{report}");
    let gone = error(&mut connection, "select 1").await;
    let report = explain_as(gone, "reading", "anon").report();
    assert!(
        report.contains("the connection broke") && report.contains("help: run it again"),
        "{report}"
    );
}
