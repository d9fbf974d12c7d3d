//! The embedded Postgres: its folder, its one connection, and what becomes of damage.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/config.rs"]
mod config;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use frieze::config::Config;
use frieze::db::{Database, hang_up, migrate};
use sqlx::PgConnection;
use tempfile::TempDir;

struct Site {
    dir: TempDir,
    config: Config,
}

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config::config(dir.path(), &["portfolio"]);
        Self { dir, config }
    }

    async fn open(&self) -> Database {
        Database::open(&self.config.database).await.unwrap()
    }

    /// Boots, migrates, stops.
    async fn filled(self) -> Self {
        let database = self.open().await;
        let mut connection = database.connect_to_migrate().await.unwrap();
        let migrations = migrate::Migrations::collect(&self.config).unwrap();
        migrate::up(&mut connection, &migrations).await.unwrap();
        let insert = "insert into projects (title, slug) values ('Kept', 'kept')";
        sqlx::query(insert).execute(&mut connection).await.unwrap();
        hang_up(connection).await;
        database.close().await.unwrap();
        self
    }

    async fn refused(&self) -> String {
        let error = Database::open(&self.config.database).await.unwrap_err();
        let report = error.report();
        assert!(report.contains("help: "), "{report}");
        report
    }

    fn data(&self, file: &str) -> PathBuf {
        self.dir.path().join("postgres/tmp/pglite").join(file)
    }
}

async fn titles(connection: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("select title from projects").fetch_all(connection).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_written_is_there_the_next_time() {
    let site = Site::new().filled().await;
    let database = site.open().await;
    let described = database.describe();
    assert!(described.starts_with("embedded Postgres 17 in ") && described.ends_with("postgres"));
    let mut connection = database.connect().await.unwrap();
    assert_eq!(titles(&mut connection).await, ["Kept"]);
    let version: String = sqlx::query_scalar("select current_setting('server_version')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(version.starts_with("17."), "{version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn anon_sees_what_is_public_and_nothing_else() {
    let site = Site::new().filled().await;
    let database = site.open().await;
    let mut connection = database.connect().await.unwrap();
    let rows = "insert into testimonials (author_name, content, is_visible) values ('Seen', '', true), ('Hidden', '', false);
        insert into page_layouts (page_name, layout_json, is_published) values ('home', '{}', false);
        set role anon";
    sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
    let authors: Vec<String> = sqlx::query_scalar("select author_name from testimonials")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(authors, ["Seen"]);
    let layouts: i64 = sqlx::query_scalar("select count(*) from page_layouts")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(layouts, 0);
    for closed in ["task_queue", "agent_memory", "seed_state", "frieze.migrations"] {
        let sql = sqlx::AssertSqlSafe(format!("select 1 from {closed}"));
        let error = sqlx::query(sql).execute(&mut connection).await.unwrap_err();
        assert!(error.to_string().contains("permission denied"), "{closed}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_come_one_after_the_other() {
    let site = Site::new();
    let database = site.open().await;
    for _ in 0..3 {
        let mut connection = database.connect().await.unwrap();
        sqlx::query("select 1").execute(&mut connection).await.unwrap();
        hang_up(connection).await;
    }
    // Dropped in the middle of a query, which the server notices when it answers.
    let mut connection = database.connect().await.unwrap();
    let sleep = sqlx::query("select pg_sleep(1)").execute(&mut connection);
    tokio::time::timeout(Duration::from_millis(100), sleep).await.unwrap_err();
    drop(connection);
    let mut connection = database.connect().await.unwrap();
    sqlx::query("select 1").execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_does_not_wait_for_an_open_connection() {
    let site = Site::new();
    let database = site.open().await;
    let _open = database.connect().await.unwrap();
    let begun = Instant::now();
    database.close().await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_is_told_who_has_it() {
    let site = Site::new();
    let database = site.open().await;
    let report = site.refused().await;
    let process = std::process::id();
    assert!(report.contains(&format!("another frieze (process {process}) uses")), "{report}");
    let reset = Database::reset(&site.config.database).unwrap_err().report();
    assert!(reset.contains("another frieze"), "{reset}");
    database.close().await.unwrap();
    site.open().await.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_said_and_a_reset_mends_it() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("base/global/pg_control", truncate),
        ("base/global/pg_control", scribble),
        ("base/global/pg_filenode.map", scribble),
        ("base/.pglite-oxide-pgdata-overlay.json", truncate),
        ("base/base/1/1259", scribble),
    ];
    let site = Site::new();
    for (file, damage) in damages {
        let site = Site { dir: tempfile::tempdir_in(site.dir.path()).unwrap(), ..Site::new() };
        let config = config::config(site.dir.path(), &["portfolio"]);
        let site = Site { config, ..site }.filled().await;
        damage(&site.data(file));
        let report = site.refused().await;
        assert!(report.contains("does not start"), "{file}: {report}");
        assert!(
            report.contains("frieze db reset") && report.contains("content/"),
            "{file}: {report}"
        );

        Database::reset(&site.config.database).unwrap();
        assert!(!site.config.database.data_dir.exists());
        site.filled().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn data_of_another_version_is_said_and_a_reset_mends_it() {
    let site = Site::new().filled().await;
    let manifest = site.data("base/.pglite-oxide-pgdata-overlay.json");
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, text.replace("\": \"", "\": \"0")).unwrap();
    let report = site.refused().await;
    assert!(report.contains("frieze db reset"), "{report}");
    Database::reset(&site.config.database).unwrap();
    site.filled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_left_half_made_is_no_obstacle() {
    let site = Site::new();
    fs::create_dir_all(site.data("base/global")).unwrap();
    fs::write(site.data("base/PG_VERSION"), "17\n").unwrap();
    fs::write(site.data("base/postmaster.pid"), "1").unwrap();
    site.filled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_folder_is_left_alone() {
    let site = Site::new();
    let mut config = site.config.database.clone();
    config.data_dir = site.dir.path().to_owned();
    let report = Database::open(&config).await.unwrap_err().report();
    assert!(
        report.contains("is not a folder for the embedded database: it holds frieze.toml"),
        "{report}"
    );
    Database::reset(&config).unwrap_err();
    assert!(site.dir.path().join("frieze.toml").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_long_path_works_too() {
    let site = Site::new();
    let mut config = site.config.database.clone();
    config.data_dir = site.dir.path().join("d".repeat(100)).join("e".repeat(100));
    let database = Database::open(&config).await.unwrap();
    let mut connection = database.connect().await.unwrap();
    sqlx::query("select 1").execute(&mut connection).await.unwrap();
    hang_up(connection).await;
    database.close().await.unwrap();
}

fn truncate(file: &Path) {
    fs::File::options().write(true).open(file).unwrap().set_len(16).unwrap();
}

fn scribble(file: &Path) {
    let length = usize::try_from(fs::metadata(file).unwrap().len()).unwrap();
    fs::write(file, vec![0xa5; length]).unwrap();
}

/// Postgres 17 tells where long texts lie, so that none is fetched to see that it stayed.
#[tokio::test(flavor = "multi_thread")]
async fn long_texts_are_compared_by_where_they_lie() {
    let site = Site::new();
    let database = site.open().await;
    let mut connection = database.connect_to_migrate().await.unwrap();
    let migrations = migrate::Migrations::collect(&site.config).unwrap();
    migrate::up(&mut connection, &migrations).await.unwrap();
    let needed = [20_260_101_000_100, 20_260_101_000_400, 20_260_101_000_600];
    migrate::up_only(&mut connection, &migrations, &needed).await.unwrap();
    let fill = "insert into projects (title, slug, description) select 'P', 'p' || n, (select string_agg(md5(n::text || m), '') from generate_series(1, 130) m) from generate_series(1, 1500) n;
        select frieze.watch('projects'::regclass, 'anon', '{}')";
    sqlx::raw_sql(fill).execute(&mut connection).await.unwrap();
    let (all, no) = ("select sum(change_count)::bigint from site_changes", None::<i64>);
    for (sql, marks) in [
        ("update projects set title = title", no),
        (
            "update projects set title = title || case when slug = 'p1400' then '!' else '' end",
            Some(1),
        ),
        (
            "update projects set description = case when slug = 'p1400' then 'short' else description end",
            Some(1),
        ),
        (
            "update projects set description = case when slug = 'p1300' then description || '!' else description end",
            Some(1),
        ),
    ] {
        sqlx::raw_sql("delete from site_changes").execute(&mut connection).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        let found: Option<i64> = sqlx::query_scalar(all).fetch_one(&mut connection).await.unwrap();
        assert_eq!(found, marks, "{sql}");
    }
    hang_up(connection).await;
    database.close().await.unwrap();
}
