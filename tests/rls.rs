//! Who may read and write what, asked in SQL: tests/rls/*.sql on a plain Postgres, and on one that
//! looks like a Supabase project, old and new.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/config.rs"]
mod config;
#[path = "support/postgres.rs"]
mod postgres;

use frieze::db::migrate;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests");

/// Assertions of each file where every table is there.
const ALL: [(&str, usize); 4] =
    [("admins", 80), ("content", 441), ("engine", 563), ("privileges", 135)];

fn text(path: &str) -> String {
    std::fs::read_to_string(format!("{FOLDER}/{path}")).unwrap()
}

/// What a file says at its end: how many assertions hold, or which do not.
async fn ask(connection: &mut PgConnection, name: &str) -> Result<String, String> {
    let sql = AssertSqlSafe(text(&format!("rls/{name}.sql")));
    match sqlx::raw_sql(sql).fetch_all(&mut *connection).await {
        Ok(rows) => Ok(rows.last().unwrap().get(0)),
        Err(error) => {
            postgres::run(connection, "rollback").await;
            Err(error.to_string())
        }
    }
}

async fn all_hold(connection: &mut PgConnection) {
    for (name, assertions) in ALL {
        let said = ask(connection, name).await.unwrap();
        assert!(said.starts_with(&format!("{name}: {assertions} assertions hold")), "{said}");
    }
}

/// A new database that looks like a Supabase project; a connection as its owner, who is no
/// superuser.
async fn supabase(default_privileges: &str) -> PgConnection {
    let url = postgres::database().await;
    let mut admin = postgres::connect(&url).await;
    let set = format!("set supabase.default_privileges = '{default_privileges}'");
    postgres::run(&mut admin, &set).await;
    postgres::run(&mut admin, &text("support/supabase.sql")).await;
    postgres::connect(&url.replace("postgres@", "project_owner@")).await
}

/// One test: the roles that the second half makes belong to the whole server.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_they_should_and_nothing_else() {
    let mut plain = postgres::connect(&postgres::database().await).await;
    migrate::up(&mut plain, &config::built_in()).await.unwrap();
    all_hold(&mut plain).await;
    for default_privileges in ["closed", "open"] {
        let mut owner = supabase(default_privileges).await;
        migrate::up(&mut owner, &config::built_in()).await.unwrap();
        all_hold(&mut owner).await;
        migrate::rollback(&mut owner, &config::built_in(), 100).await.unwrap();
        postgres::run(&mut owner, "select auth.uid(), auth.jwt(); set role anon").await;
    }
}

/// Each hole is made, found and named, and gone when it is closed.
#[tokio::test(flavor = "multi_thread")]
async fn holes_are_found() {
    let mut plain = postgres::connect(&postgres::database().await).await;
    migrate::up(&mut plain, &config::built_in()).await.unwrap();
    for (file, hole, says) in [
        (
            "content",
            "grant insert on projects to anon; create policy hole on projects for insert to anon with check (true)",
            "anon: insert projects",
        ),
        (
            "content",
            "drop policy page_layouts_read on page_layouts; create policy page_layouts_read on page_layouts for select to anon, authenticated using (true)",
            "page_layouts",
        ),
        ("content", "alter table testimonials disable row level security", "testimonials"),
        (
            "engine",
            "grant select on task_queue to anon; alter table task_queue disable row level security",
            "anon: select task_queue",
        ),
        (
            "engine",
            "create policy hole on enrichments for select to authenticated using (true)",
            "authenticated non-admin: select enrichments",
        ),
        (
            "engine",
            "grant insert on provider_quotas to anon; alter table provider_quotas disable row level security",
            "anon: insert provider_quotas",
        ),
        ("engine", "revoke delete on task_queue from service_role", "service_role"),
        (
            "admins",
            "create policy hole on site_admins for insert to authenticated with check (true)",
            "site_admins",
        ),
        (
            "admins",
            "create or replace function is_site_admin() returns boolean language sql security definer set search_path = '' as 'select (auth.jwt() ->> ''role'') = ''authenticated'''",
            "is_site_admin",
        ),
        ("privileges", "grant truncate on projects to anon", "TRUNCATE"),
    ] {
        postgres::run(&mut plain, &format!("begin; {hole}; savepoint made")).await;
        // The file's own begin is inside ours, and its rollback ends both.
        let sql = text(&format!("rls/{file}.sql"));
        let answer = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_all(&mut plain).await;
        let said = answer.expect_err(hole).to_string();
        assert!(said.contains(says), "no {says:?} for {hole}: {said}");
        postgres::run(&mut plain, "rollback").await;
    }
    all_hold(&mut plain).await;
}

/// Each file can be run alone, so each has its own copy of what all need.
#[test]
fn the_helpers_are_the_same_everywhere() {
    let helpers = |name: &str| {
        let text = text(&format!("rls/{name}.sql"));
        let (_, rest) = text.split_once("begin;").unwrap();
        rest.split_once("-- end of helpers").unwrap().0.to_owned()
    };
    for (name, _) in ALL {
        assert!(helpers(name) == helpers("admins"), "{name}.sql differs");
    }
    assert_eq!(std::fs::read_dir(format!("{FOLDER}/rls")).unwrap().count(), ALL.len());
}
