//! What is left: configured, said by headers, remembered by the database.

use std::sync::Arc;

use frieze::db::migrate;
use frieze::enrich::SharedConnection;
use sqlx::PgConnection;

use crate::models::{Models, Reply};
use crate::{Still, Two, config, postgres, provider, seconds};

async fn database() -> SharedConnection {
    let url = postgres::database().await;
    let mut connection = postgres::connect(&url).await;
    migrate::up(&mut connection, &config::built_in()).await.unwrap();
    shared(connection)
}

fn shared(connection: PgConnection) -> SharedConnection {
    Arc::new(tokio::sync::Mutex::new(connection))
}

async fn sql(connection: &SharedConnection, sql: &str) {
    postgres::run(&mut *connection.lock().await, sql).await;
}

async fn counted(connection: &SharedConnection) -> (i32, i32, i32) {
    let sql = "select day_requests, minute_requests, failures from provider_quotas";
    sqlx::query_as(sql).fetch_one(&mut *connection.lock().await).await.unwrap()
}

fn limited(server: &Models, limits: &str) -> String {
    provider("groq", "groq", &server.openai_url(), limits)
}

#[tokio::test]
async fn a_limit_of_requests_a_minute_holds() {
    let two = Two::with("requests_per_minute = 2");
    for who in ["groq", "groq", "next"] {
        assert_eq!(two.still.answer().await.provider, who);
    }
    let reason = &two.still.answer().await.calls[0].reason;
    assert!(reason.starts_with("second: groq has no requests left this minute until "), "{reason}");
    two.still.pass(61);
    assert_eq!(two.still.answer().await.provider, "groq");
}

#[tokio::test]
async fn groq_s_headers_say_what_is_left() {
    let two = Two::start();
    let headers = |requests: &str, tokens: &str| {
        Reply::usual()
            .header("x-ratelimit-limit-requests", "1000")
            .header("x-ratelimit-remaining-requests", requests)
            .header("x-ratelimit-reset-requests", "2m0s")
            .header("x-ratelimit-limit-tokens", "6000")
            .header("x-ratelimit-remaining-tokens", tokens)
            .header("x-ratelimit-reset-tokens", "7.5s")
    };
    // The question needs about four hundred tokens.
    two.groq.then(headers("3", "300"));
    assert_eq!(two.still.answer().await.provider, "groq");
    let reason = two.still.answer().await.calls[0].reason.clone();
    assert!(reason.contains("groq has no tokens left this minute until "), "{reason}");
    two.still.pass(8);
    two.groq.then(headers("0", "6000"));
    assert_eq!(two.still.answer().await.provider, "groq");
    let reason = two.still.answer().await.calls[0].reason.clone();
    assert!(reason.starts_with("second: groq has no requests left today until "), "{reason}");
    two.still.pass(119);
    assert_eq!(two.still.answer().await.provider, "next");
    two.still.pass(2);
    assert_eq!(two.still.answer().await.provider, "groq");
}

#[tokio::test]
async fn others_headers_count_too() {
    let next = Models::start();
    next.then(Reply::usual().header("ratelimit-remaining", "0").header("ratelimit-reset", "33"));
    let still = Still::new(&provider("next", "openai", &next.openai_url(), ""));
    still.answer().await;
    assert_eq!(seconds(still.refusal().await.kind), 33);
    assert_eq!(next.requests().len(), 1);
}

#[tokio::test]
async fn a_restart_remembers_the_day() {
    let (server, database) = (Models::start(), database().await);
    let providers = limited(&server, "requests_per_day = 3");
    let first = Still::new(&providers);
    first.answer().await;
    first.answer().await;
    first.router.save_all(&database).await.unwrap();
    assert_eq!(counted(&database).await, (2, 2, 0));

    let second = Still::new(&providers);
    second.router.load(&database).await.unwrap();
    second.answer().await;
    let wait = seconds(second.refusal().await.kind);
    assert!((86000..=86400).contains(&wait), "{wait}");
    assert_eq!(server.requests().len(), 3);
    second.router.save_all(&database).await.unwrap();

    // A day later by the database's clock.
    sql(&database, "update provider_quotas set day_started = day_started - interval '25 hours'")
        .await;
    let third = Still::new(&providers);
    third.router.load(&database).await.unwrap();
    third.answer().await;
    third.router.save_all(&database).await.unwrap();
    assert_eq!(counted(&database).await, (1, 4, 0));
}

#[tokio::test]
async fn two_processes_add_up() {
    let (server, database) = (Models::start(), database().await);
    let providers = limited(&server, "requests_per_day = 4");
    let (one, other) = (Still::new(&providers), Still::new(&providers));
    one.router.load(&database).await.unwrap();
    other.router.load(&database).await.unwrap();
    for _ in 0..2 {
        one.answer().await;
        other.answer().await;
    }
    one.router.save_all(&database).await.unwrap();
    other.router.save_all(&database).await.unwrap();
    assert_eq!(counted(&database).await, (4, 4, 0));
    // The second one learned of the first one's when it wrote its own; the first one does when it
    // reads.
    other.refusal().await;
    one.router.load(&database).await.unwrap();
    one.refusal().await;
    assert_eq!(server.requests().len(), 4);
    // Nothing new is nothing to write.
    one.router.save_all(&database).await.unwrap();
    assert_eq!(counted(&database).await, (4, 4, 0));
}

#[tokio::test]
async fn a_restart_remembers_a_block_and_why() {
    let (server, database) = (Models::start(), database().await);
    let providers = limited(&server, "");
    server.then(Reply::status(429).header("retry-after", "3000"));
    let first = Still::new(&providers);
    first.refusal().await;
    first.router.save_all(&database).await.unwrap();
    let second = Still::new(&providers);
    second.router.load(&database).await.unwrap();
    let refused = second.refusal().await;
    assert!((2900..=3000).contains(&seconds(refused.kind)), "{refused:?}");
    assert!(refused.message.contains("groq answered 429"), "{}", refused.message);
    assert_eq!(server.requests().len(), 1);
    sql(&database, "update provider_quotas set blocked_until = now()").await;
    let third = Still::new(&providers);
    third.router.load(&database).await.unwrap();
    third.answer().await;
}

#[tokio::test]
async fn failures_are_counted_across_processes_until_one_succeeds() {
    let (server, database) = (Models::start(), database().await);
    let providers = limited(&server, "");
    server.then(Reply::status(500)).then(Reply::status(500)).then(Reply::status(500));
    for failures in 1..=3 {
        let still = Still::new(&providers);
        still.router.load(&database).await.unwrap();
        assert_eq!(seconds(still.refusal().await.kind), if failures == 3 { 30 } else { 5 });
        still.router.save_all(&database).await.unwrap();
        assert_eq!(counted(&database).await.2, failures);
    }
    sql(&database, "update provider_quotas set blocked_until = now()").await;
    let still = Still::new(&providers);
    still.router.load(&database).await.unwrap();
    still.answer().await;
    still.router.save_all(&database).await.unwrap();
    assert_eq!(counted(&database).await.2, 0);
}

#[tokio::test]
async fn it_is_written_once_a_second_at_most() {
    let (server, database) = (Models::start(), database().await);
    let still = Still::new(&limited(&server, ""));
    for (passes, written) in [(0, 1), (0, 1), (1, 3)] {
        still.answer().await;
        still.pass(passes);
        still.router.save(&database).await.unwrap();
        assert_eq!(counted(&database).await.0, written);
    }
}

#[tokio::test]
async fn what_could_not_be_written_is_written_later() {
    let (server, database) = (Models::start(), database().await);
    let still = Still::new(&limited(&server, ""));
    still.answer().await;
    sql(&database, "alter table provider_quotas rename to away").await;
    let error = still.router.save_all(&database).await.unwrap_err();
    assert!(error.report().contains("writing provider_quotas failed"), "{}", error.report());
    sql(&database, "alter table away rename to provider_quotas").await;
    still.answer().await;
    still.router.save_all(&database).await.unwrap();
    assert_eq!(counted(&database).await, (2, 2, 0));
}

#[cfg(feature = "embedded")]
#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_database_remembers_too() {
    let dir = tempfile::tempdir().unwrap();
    let config = config::config(dir.path(), &["portfolio"]);
    let database = frieze::db::Database::open(&config.database).await.unwrap();
    let mut connection = database.connect_to_migrate().await.unwrap();
    migrate::up(&mut connection, &config::built_in()).await.unwrap();
    let connection = shared(connection);
    let server = Models::start();
    server.then(Reply::status(429).header("retry-after", "3000"));
    let providers = limited(&server, "");
    let first = Still::new(&providers);
    first.refusal().await;
    first.router.save_all(&connection).await.unwrap();
    first.pass(4000);
    first.answer().await;
    first.router.save_all(&connection).await.unwrap();
    assert_eq!(counted(&connection).await, (2, 2, 0));
    let second = Still::new(&providers);
    second.router.load(&connection).await.unwrap();
    assert!(seconds(second.refusal().await.kind) > 2900);
    drop(connection);
    database.close().await.unwrap();
}
