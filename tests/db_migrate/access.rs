//! Who may read and write what.

use frieze::db::migrate::up;
use sqlx::PgConnection;

use crate::{config, postgres};

const ENGINE: [&str; 10] = [
    "site_admins",
    "task_queue",
    "ai_response_cache",
    "agent_context",
    "agent_run_logs",
    "site_changes",
    "site_builds",
    "seed_state",
    "agent_memory",
    "content_embeddings",
];

const ADMIN: &str = "00000000-0000-4000-8000-00000000000a";

const ROWS: &str = "
    insert into testimonials (author_name, content, is_visible) values ('Seen', 'x', true), ('Hidden', 'x', false);
    insert into page_layouts (page_name, version, is_published, layout_json)
        values ('home', 1, true, '{}'), ('home', 2, false, '{}');
    insert into projects (title, slug) values ('P', 'p');
    insert into site_admins values ('00000000-0000-4000-8000-00000000000a');";

async fn migrated() -> PgConnection {
    let mut connection = postgres::connect(&postgres::database().await).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    postgres::run(&mut connection, ROWS).await;
    connection
}

/// Becomes a role, with a user's id as the API would set it.
async fn become_role(connection: &mut PgConnection, role: &str, user: Option<&str>) {
    let claims = user.map_or(String::new(), |user| format!("{{\"sub\": \"{user}\"}}"));
    let sql = format!(
        "reset role; select set_config('request.jwt.claims', '{claims}', false); set role {role}"
    );
    postgres::run(connection, &sql).await;
}

async fn count(connection: &mut PgConnection, table: &str) -> Result<i64, sqlx::Error> {
    let sql = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
    sqlx::query_scalar(sql).fetch_one(connection).await
}

async fn attempt(connection: &mut PgConnection, sql: &str) -> Result<u64, String> {
    let done = sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(connection).await;
    match done {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) => Err(error.as_database_error().unwrap().code().unwrap().into_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anon_reads_what_is_public_and_nothing_else() {
    let mut connection = migrated().await;
    become_role(&mut connection, "anon", None).await;
    let visible: Vec<String> = sqlx::query_scalar("select author_name from testimonials")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(visible, ["Seen"]);
    let published: Vec<i32> = sqlx::query_scalar("select version from page_layouts")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(published, [1]);
    for open in ["profile", "skills", "projects", "experience", "solutions"] {
        assert!(count(&mut connection, open).await.is_ok(), "{open}");
    }
    for closed in ENGINE.iter().chain(&["frieze.migrations"]) {
        let refused = count(&mut connection, closed).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "42501", "{closed}");
    }
    let refused = attempt(&mut connection, "select public.is_site_admin()").await;
    assert_eq!(refused, Err("42501".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_writes() {
    let mut connection = migrated().await;
    let insert = "insert into skills (name, category) values ('Rust', 'Backend')";
    let update = "update projects set title = 'Q'";

    become_role(&mut connection, "anon", None).await;
    assert_eq!(attempt(&mut connection, insert).await, Err("42501".to_owned()));

    let stranger = "00000000-0000-4000-8000-00000000000b";
    become_role(&mut connection, "authenticated", Some(stranger)).await;
    assert_eq!(attempt(&mut connection, insert).await, Err("42501".to_owned()));
    assert_eq!(attempt(&mut connection, update).await, Ok(0));
    assert_eq!(count(&mut connection, "testimonials").await.unwrap(), 1);
    for engine in ENGINE {
        assert_eq!(count(&mut connection, engine).await.unwrap(), 0, "{engine}");
    }

    become_role(&mut connection, "authenticated", Some(ADMIN)).await;
    assert_eq!(attempt(&mut connection, insert).await, Ok(1));
    assert_eq!(attempt(&mut connection, update).await, Ok(1));
    assert_eq!(count(&mut connection, "testimonials").await.unwrap(), 2);
    assert_eq!(count(&mut connection, "site_admins").await.unwrap(), 1);
    let queued = "insert into task_queue (task_type) values ('embed')";
    assert_eq!(attempt(&mut connection, queued).await, Ok(1));

    become_role(&mut connection, "service_role", None).await;
    assert_eq!(count(&mut connection, "task_queue").await.unwrap(), 1);
}

/// Nobody becomes an admin by a table of the same name in a schema of their own.
#[tokio::test(flavor = "multi_thread")]
async fn the_admin_check_keeps_to_its_own_table() {
    let mut connection = migrated().await;
    let trap = "create schema trap; create table trap.site_admins (user_id uuid);
        insert into trap.site_admins values ('00000000-0000-4000-8000-00000000000b');
        grant usage on schema trap to authenticated; grant select on trap.site_admins to authenticated;
        set search_path = trap, public";
    postgres::run(&mut connection, trap).await;
    become_role(&mut connection, "authenticated", Some("00000000-0000-4000-8000-00000000000b"))
        .await;
    let admin: bool = sqlx::query_scalar("select public.is_site_admin()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(!admin);
}

/// Supabase used to grant everything on new tables to the API roles: that is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn generous_default_privileges_do_not_open_the_engine() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    frieze::db::migrate::rollback(&mut connection, &config::built_in(), 100).await.unwrap();
    let generous =
        "alter default privileges in schema public grant all on tables to anon, authenticated;
        alter default privileges in schema public grant all on functions to anon";
    postgres::run(&mut connection, generous).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    become_role(&mut connection, "anon", None).await;
    for closed in ENGINE {
        assert!(count(&mut connection, closed).await.is_err(), "{closed} is open");
    }
    let refused = attempt(&mut connection, "delete from projects").await;
    assert_eq!(refused, Err("42501".to_owned()));
    let refused = attempt(&mut connection, "select public.is_site_admin()").await;
    assert_eq!(refused, Err("42501".to_owned()));
}
