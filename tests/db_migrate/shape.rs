//! What every table has, and what the database refuses to hold.

use frieze::db::migrate::up;
use sqlx::PgConnection;

use crate::{config, postgres};

async fn migrated() -> PgConnection {
    let mut connection = postgres::connect(&postgres::database().await).await;
    up(&mut connection, &config::built_in()).await.unwrap();
    connection
}

async fn tables(connection: &mut PgConnection, which: &str) -> Vec<String> {
    let sql = format!(
        "select c.relname::text from pg_class c where relnamespace = 'public'::regnamespace
         and relkind = 'r' and ({which}) order by 1"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_has_security_times_and_their_trigger() {
    let mut connection = migrated().await;
    assert_eq!(tables(&mut connection, "true").await.len(), 19);
    assert!(tables(&mut connection, "not relrowsecurity").await.is_empty());
    let column = |name: &str| {
        format!(
            "not exists (select 1 from pg_attribute where attrelid = c.oid and attname = '{name}' and attnotnull)"
        )
    };
    for name in ["created_at", "updated_at"] {
        assert!(tables(&mut connection, &column(name)).await.is_empty(), "{name}");
    }
    let keyed = ["ai_response_cache", "seed_state", "site_admins"];
    assert_eq!(tables(&mut connection, &column("id")).await, keyed);
    let trigger = "not exists (select 1 from pg_trigger where tgrelid = c.oid and tgname = 'touch_updated_at')";
    assert!(tables(&mut connection, trigger).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn updated_at_follows_real_changes_and_explicit_values() {
    let mut connection = migrated().await;
    let prepare = "insert into projects (title, slug, updated_at) values ('A', 'a', '2020-01-01')";
    postgres::run(&mut connection, prepare).await;
    let year = "select extract(year from updated_at)::int from projects";
    let mut years = Vec::new();
    for change in [
        "update projects set title = 'A'",
        "update projects set title = 'B', updated_at = '2021-01-01'",
        "update projects set title = 'C'",
    ] {
        postgres::run(&mut connection, change).await;
        let year: i32 = sqlx::query_scalar(year).fetch_one(&mut connection).await.unwrap();
        years.push(year);
    }
    assert_eq!(years[..2], [2020, 2021]);
    assert!(years[2] > 2021, "{years:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_values_are_refused_by_name() {
    let mut connection = migrated().await;
    let vector = |first: &str| format!("('[' || '{first}' || repeat(',0', 1535) || ']')::vector");
    let memory = |embedding: &str, model: &str| {
        format!(
            "insert into agent_memory (agent_id, thought_type, content, embedding, embedding_model) values ('a', 'action', 'x', {embedding}, {model})"
        )
    };
    let refused = [
        ("insert into skills (name, category) values ('x', 'Cooking')".to_owned(), "skills_category_check"),
        ("insert into skills (name, category, glow_hex) values ('x', 'AI', 'red')".to_owned(), "skills_glow_hex_check"),
        ("insert into skills (name, category, proficiency) values ('x', 'AI', 101)".to_owned(), "skills_proficiency_check"),
        ("insert into experience (company, role, start_date, end_date) values ('x', 'y', '2020-02-01', '2020-01-01')".to_owned(), "experience_dates_check"),
        ("insert into solutions (title, items) values ('x', '{}')".to_owned(), "solutions_items_check"),
        ("insert into profile (name, social_links) values ('x', '[]')".to_owned(), "profile_social_links_check"),
        ("insert into projects (title, slug) values ('x', 's'), ('y', 's')".to_owned(), "projects_slug_key"),
        ("insert into page_layouts (page_name, layout_json) values ('x', '{}'), ('x', '{}')".to_owned(), "page_layouts_page_name_version_key"),
        ("insert into task_queue (task_type, priority) values ('x', 11)".to_owned(), "task_queue_priority_check"),
        ("insert into task_queue (task_type, status) values ('x', 'done')".to_owned(), "task_queue_status_check"),
        ("insert into task_queue (task_type, target) values ('x', 't'), ('x', 't')".to_owned(), "task_queue_live_target_key"),
        ("insert into ai_response_cache (prompt_hash, response, model) values ('x', '', '')".to_owned(), "ai_response_cache_prompt_hash_check"),
        (memory(&vector("0"), "'m'"), "agent_memory_embedding_check"),
        (memory(&vector("1"), "null"), "agent_memory_embedding_model_check"),
        (memory(&vector("NaN"), "'m'"), "NaN not allowed in vector"),
    ];
    for (sql, name) in refused {
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.clone())).execute(&mut connection).await;
        let error = done.expect_err(&sql);
        let error = error.as_database_error().unwrap();
        assert_eq!(error.constraint().unwrap_or(error.message()), name, "{sql}");
    }
    postgres::run(&mut connection, &memory(&vector("1"), "'m'")).await;
    postgres::run(&mut connection, &memory("null", "null")).await;
    // A finished task makes room for the next about the same.
    let again = "insert into task_queue (task_type, target, status) values ('x', 't', 'completed'), ('x', 't', 'pending')";
    postgres::run(&mut connection, again).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn embeddings_have_cosine_indexes_that_work() {
    let mut connection = migrated().await;
    let indexes: Vec<String> = sqlx::query_scalar(
        "select indexname::text from pg_indexes where indexdef like '%USING hnsw%vector_cosine_ops%' order by 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(indexes, ["agent_memory_embedding_idx", "content_embeddings_embedding_idx"]);
    let fill = "insert into content_embeddings (collection, row_id, content_hash, embedding, embedding_model)
        select 'posts', gen_random_uuid(), n::text, ('[' || cos(n / 100.0) || ',' || sin(n / 100.0) || repeat(',0', 1534) || ']')::vector, 'm'
        from generate_series(1, 300) n; set enable_seqscan = off";
    postgres::run(&mut connection, fill).await;
    let nearest: Vec<String> = sqlx::query_scalar(
        "select content_hash from content_embeddings
         order by embedding <=> ('[' || cos(1.5) || ',' || sin(1.5) || repeat(',0', 1534) || ']')::vector limit 1",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    assert_eq!(nearest, ["150"]);
}
