//! Undoing migrations on a database that holds data: nothing is lost that need not be.

use frieze::db::migrate::{rollback, up};

use crate::{config, postgres};

/// Before frieze: a table that it takes over, and others that have nothing to do with it.
const BEFORE: &str = "
    create table testimonials (id uuid primary key default gen_random_uuid(), author_name text,
        content text, is_visible bool, extra text);
    create policy mine on testimonials using (true);
    insert into testimonials (author_name, content, is_visible, extra)
        values ('A', 'B', false, 'kept'), ('C', 'D', true, 'kept too');
    create schema shop; create table shop.orders (id int primary key, buyer text);
    insert into shop.orders values (1, 'x');
    create extension vector; create table shop.likeness (id int, v vector(3));
    insert into shop.likeness values (1, '[1,2,3]');
    grant select on shop.orders to anon";

/// What there is of it, in one text.
const KEPT: &str = "select jsonb_build_object(
    'testimonials', (select jsonb_agg(to_jsonb(t) - 'created_at' - 'updated_at' order by t.extra) from testimonials t),
    'orders', (select jsonb_agg(to_jsonb(o)) from shop.orders o),
    'likeness', (select jsonb_agg(v::text) from shop.likeness),
    'mine', (select count(*) from pg_policies where policyname = 'mine'),
    'grant', has_table_privilege('anon', 'shop.orders', 'select'))::text";

async fn text(connection: &mut sqlx::PgConnection, sql: &'static str) -> String {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_frieze_did_not_make_outlives_it() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    // Roles are the server's, and other tests make them too.
    up(&mut connection, &config::built_in()).await.unwrap();
    rollback(&mut connection, &config::built_in(), 100).await.unwrap();
    postgres::run(&mut connection, "drop extension if exists vector").await;
    postgres::run(&mut connection, BEFORE).await;
    let before = text(&mut connection, KEPT).await;
    for _ in 0..2 {
        up(&mut connection, &config::built_in()).await.unwrap();
        postgres::run(&mut connection, "insert into skills (name, category) values ('x', 'AI')")
            .await;
        assert_eq!(text(&mut connection, KEPT).await, before);
        for _ in 0..5 {
            rollback(&mut connection, &config::built_in(), 1).await.unwrap();
            assert_eq!(text(&mut connection, KEPT).await, before);
        }
        let gone = "select (to_regclass('skills') is null)::text";
        assert_eq!(text(&mut connection, gone).await, "true", "what it made is gone");
        // Nothing opens that was closed.
        let secure =
            "select relrowsecurity::text from pg_class where oid = 'testimonials'::regclass";
        assert_eq!(text(&mut connection, secure).await, "true");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_takes_only_its_own_tables() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    let rows = "insert into projects (title, slug) values ('A', 'a'); insert into task_queue (task_type) values ('embed')";
    postgres::run(&mut connection, rows).await;
    rollback(&mut connection, &config::built_in(), 2).await.unwrap();
    let there = "select count(*)::text from projects, task_queue";
    assert_eq!(text(&mut connection, there).await, "1");
    rollback(&mut connection, &config::built_in(), 1).await.unwrap();
    assert_eq!(text(&mut connection, "select count(*)::text from projects").await, "1");
    up(&mut connection, &config::built_in()).await.unwrap();
    assert_eq!(text(&mut connection, "select count(*)::text from projects").await, "1");
}

/// A view of somebody else's would break with the table below it.
#[tokio::test(flavor = "multi_thread")]
async fn what_others_use_is_not_taken_from_them() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    postgres::run(&mut connection, "create view best as select title from projects").await;
    let error = rollback(&mut connection, &config::built_in(), 100).await.unwrap_err().report();
    assert!(error.contains("projects") && error.contains("best"), "{error}");
    assert!(!error.to_lowercase().contains("cascade"), "{error}");
    assert_eq!(text(&mut connection, "select count(*)::text from best").await, "0");
    postgres::run(&mut connection, "drop view best").await;
    rollback(&mut connection, &config::built_in(), 100).await.unwrap();
}
