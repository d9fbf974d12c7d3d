//! Roles belong to the whole server: a server of its own, on which there are none yet.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/config.rs"]
mod config;
#[path = "support/postgres.rs"]
mod postgres;

use frieze::db::migrate::{rollback, up};

/// One test, since each step needs what the one before left on the server.
#[tokio::test(flavor = "multi_thread")]
async fn roles_are_made_once_for_all_databases() {
    // A user who may not make them is told what an administrator must do.
    let url = postgres::database().await;
    let name = url.rsplit('/').next().unwrap();
    let mut admin = postgres::connect(&url).await;
    postgres::run(
        &mut admin,
        &format!("create role modest login; alter database {name} owner to modest"),
    )
    .await;
    let mut modest = postgres::connect(&url.replace("postgres@", "modest@")).await;
    let report = up(&mut modest, &config::built_in()).await.unwrap_err().report();
    assert!(
        report.contains("the role anon is missing, and modest may not create roles"),
        "{report}"
    );
    assert!(report.contains("create role anon nologin noinherit;"), "{report}");

    // One who may make roles makes them, without the rights that only a superuser gives.
    postgres::run(&mut admin, "alter role modest createrole; create extension vector").await;
    let applied = up(&mut modest, &config::built_in()).await.unwrap();
    assert_eq!(applied.steps.len(), 5);
    postgres::run(&mut modest, "set role anon; select * from projects; reset role").await;
    rollback(&mut modest, &config::built_in(), 100).await.unwrap();
    drop(modest);
    postgres::run(&mut admin, "drop owned by anon, authenticated, service_role; drop role anon, authenticated, service_role").await;

    // Many databases at once, each of which finds them missing.
    let mut runs = Vec::new();
    for _ in 0..8 {
        let url = postgres::database().await;
        runs.push(tokio::spawn(async move {
            let mut connection = postgres::connect(&url).await;
            up(&mut connection, &config::built_in()).await
        }));
    }
    for run in runs {
        assert_eq!(run.await.unwrap().unwrap().steps.len(), 5);
    }
    let attributes: Vec<String> = sqlx::query_scalar(
        "select format('%s %s %s %s', rolname, rolcanlogin, rolinherit, rolbypassrls) from pg_roles
         where rolname in ('anon', 'authenticated', 'service_role') order by 1",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(attributes, ["anon f f f", "authenticated f f f", "service_role f f t"]);
}
