//! Databases that are not plain and fresh: Supabase's, and those of users with few rights.

use frieze::db::migrate::{rollback, up};
use sqlx::PgConnection;

use crate::{config, postgres};

async fn yes(connection: &mut PgConnection, sql: &str) -> bool {
    let sql = sqlx::AssertSqlSafe(format!("select {sql}"));
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// Its roles are there anyway, since the server is shared; the rest is made like Supabase's.
#[tokio::test(flavor = "multi_thread")]
async fn what_supabase_brings_stays_as_it_is() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    let supabase = "create schema extensions; create schema auth;
        create function auth.uid() returns uuid language sql as $$ select '00000000-0000-4000-8000-00000000000a'::uuid $$;";
    postgres::run(&mut connection, supabase).await;
    let migrations = config::built_in();
    up(&mut connection, &migrations).await.unwrap();
    let theirs = "auth.uid() = '00000000-0000-4000-8000-00000000000a'";
    assert!(yes(&mut connection, theirs).await);
    let there = "(select extnamespace = 'extensions'::regnamespace from pg_extension where extname = 'vector')";
    assert!(yes(&mut connection, there).await);

    rollback(&mut connection, &migrations, 100).await.unwrap();
    assert!(yes(&mut connection, theirs).await);
    assert!(yes(&mut connection, there).await);
    assert!(
        yes(&mut connection, "to_regprocedure('auth.jwt()') is null").await,
        "the stand-in stayed"
    );
    assert!(yes(&mut connection, "to_regrole('anon') is not null").await);
    up(&mut connection, &migrations).await.unwrap();
}

/// A site's tables from before frieze are taken over with what is in them.
#[tokio::test(flavor = "multi_thread")]
async fn tables_from_before_are_kept_and_guarded() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    let before = "create table testimonials (id uuid primary key default gen_random_uuid(), author_name text,
        content text, is_visible bool, extra text);
        insert into testimonials (author_name, content, is_visible, extra) values ('A', 'B', false, 'kept')";
    postgres::run(&mut connection, before).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    assert!(yes(&mut connection, "(select extra = 'kept' from testimonials)").await);
    postgres::run(&mut connection, "update testimonials set content = 'C'; set role anon").await;
    assert!(yes(&mut connection, "(select count(*) = 0 from testimonials)").await);
}

/// Hosted servers give out owners of databases, not superusers.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_owner_who_may_create_roles_can_migrate_and_become_anon() {
    let url = postgres::database().await;
    let name = url.rsplit('/').next().unwrap();
    let mut admin = postgres::connect(&url).await;
    up(&mut admin, &config::built_in()).await.unwrap();
    rollback(&mut admin, &config::built_in(), 100).await.unwrap();
    // The extension needs an administrator; the roles are granted by one where they exist.
    let owner = format!("owner_{name}");
    let sql = format!(
        "create role {owner} login createrole; alter database {name} owner to {owner};
         alter schema frieze owner to {owner}; alter table frieze.migrations owner to {owner};
         grant anon, authenticated, service_role to {owner} with admin option"
    );
    postgres::run(&mut admin, &sql).await;
    let mut connection = postgres::connect(&url.replace("postgres@", &format!("{owner}@"))).await;
    let applied = up(&mut connection, &config::built_in()).await.unwrap();
    assert_eq!(applied.steps.len(), 5);
    postgres::run(&mut connection, "set role anon; select * from projects").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_rights_is_told_which_are_missing() {
    let url = postgres::database().await;
    let name = url.rsplit('/').next().unwrap();
    let mut admin = postgres::connect(&url).await;
    up(&mut admin, &config::built_in()).await.unwrap();
    let guest = format!("guest_{name}");
    postgres::run(&mut admin, &format!("create role {guest} login")).await;
    let mut connection = postgres::connect(&url.replace("postgres@", &format!("{guest}@"))).await;
    let error = up(&mut connection, &config::built_in()).await.unwrap_err().report();
    assert!(error.contains("permission denied"), "{error}");
    assert!(error.contains("help: "), "{error}");
}
