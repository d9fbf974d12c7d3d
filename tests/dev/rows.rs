//! Rows that somebody else writes: told by triggers, or found by asking.

use std::future::Future;
use std::time::{Duration, Instant};

use frieze::config::{Config, Overrides};
use frieze::db::seed::Touched;
use frieze::pipeline::live::{Keeper, Live, Ready};

use crate::kit::Server;
use crate::postgres::{self, connect, run};
use crate::site::Site;

pub fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

/// The small site on a server, with one project.
pub fn bench() -> (Site, String) {
    let url = wait(postgres::database());
    let mut site = Site::small();
    site.project("a", "a", "body-a");
    site.database_url = Some(url.clone());
    for command in [["db", "migrate"], ["db", "seed"]] {
        let run = site.run(&command);
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    (site, url)
}

pub fn sql(url: &str, sql: &str) {
    wait(async {
        let mut connection = connect(url).await;
        run(&mut connection, sql).await;
        frieze::db::hang_up(connection).await;
    });
}

fn triggers(url: &str) -> i64 {
    wait(async {
        let mut connection = connect(url).await;
        let count = "select count(*) from pg_trigger where tgname like 'frieze\\_%' and not tgisinternal \
                     and tgfoid = to_regproc('frieze.tell_rows')";
        let count = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
        frieze::db::hang_up(connection).await;
        count
    })
}

#[test]
fn the_queue_is_told_as_it_stands_when_the_page_is_asked_for() {
    let (site, url) = bench();
    let server = Server::dev(&site, &[]);
    server.until_listening();
    let queue = || {
        let status = server.text("/_frieze/status.json");
        serde_json::from_str::<serde_json::Value>(&status).unwrap()["queue"].clone()
    };
    let before = queue();
    sql(&url, "insert into task_queue (task_type) values ('one'), ('two')");
    let waiting = |queue: &serde_json::Value| queue["pending"].as_i64().unwrap_or_default();
    assert_eq!(waiting(&queue()), waiting(&before) + 2);
    assert!(server.text("/_frieze/").contains("2 pending"));
}

fn rows_come_and_go(site: &Site, url: &str, server: &Server) {
    assert!(server.text("/projects/a/").contains("body-a"));
    let mut open = server.open("/projects/a/");
    sql(url, "update projects set description = 'body-b' where slug = 'a'");
    server.until_holds("/projects/a/", "body-b");
    assert_eq!(open.next()["kind"], "page");
    sql(url, "insert into projects (title, slug, description) values ('B', 'b', 'new-b')");
    server.until_holds("/projects/b/", "new-b");
    sql(url, "update projects set slug = 'c' where slug = 'b'");
    server.until_holds("/projects/c/", "new-b");
    assert_eq!(server.get("/projects/b/").status, 404);
    sql(url, "delete from projects where slug = 'c'");
    server.until("/projects/c/", |answer| answer.status == 404);
    sql(
        url,
        "insert into projects (title, slug) select 'n', 'n-' || n from generate_series(1, 80) n",
    );
    server.until("/projects/n-80/", |answer| answer.status == 200);
    let layout = r#"{"sections": [{"id": "heading", "config": {"text": "From the database"}}]}"#;
    sql(url, &format!("update page_layouts set layout_json = '{layout}' where page_name = 'home'"));
    server.until_holds("/", "From the database");
    let _ = site;
}

#[test]
fn triggers_tell_of_rows_and_go_with_the_server() {
    let (site, url) = bench();
    let server = Server::dev(&site, &[]);
    server.until_listening();
    assert!(triggers(&url) >= 8, "on projects and on layouts");
    rows_come_and_go(&site, &url, &server);
    // A second server listens too, and the first to stop leaves it its triggers.
    let other = Server::dev(&site, &[]);
    other.until_listening();
    assert_eq!(server.stop(), Some(0));
    assert!(triggers(&url) >= 8);
    sql(&url, "update projects set description = 'body-c' where slug = 'a'");
    other.until_holds("/projects/a/", "body-c");
    assert_eq!(other.stop(), Some(0));
    assert_eq!(triggers(&url), 0);
}

/// The address of somebody who may read the site's rows, and make no triggers.
pub fn reader(url: &str) -> String {
    sql(
        url,
        "do $$ begin perform pg_advisory_xact_lock(1); \
         if not exists (select from pg_roles where rolname = 'dev_reader') then \
         create role dev_reader login; end if; grant anon to dev_reader; end $$",
    );
    url.replace("postgres://postgres@", "postgres://dev_reader@")
}

#[test]
fn without_the_right_to_make_triggers_rows_are_asked_for() {
    let (mut site, url) = bench();
    site.database_url = Some(reader(&url));
    let server = Server::dev(&site, &[]);
    server.until_holds("/_frieze/", "noticed by asking");
    assert_eq!(triggers(&url), 0);
    rows_come_and_go(&site, &url, &server);
}

#[test]
fn a_database_that_goes_away_and_comes_back_is_told_and_caught_up_with() {
    let (site, url) = bench();
    let server = Server::dev(&site, &[]);
    assert!(server.text("/projects/a/").contains("body-a"));
    let kill = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    sql(&url, kill);
    sql(&url, "update projects set description = 'meanwhile' where slug = 'a'");
    server.until_holds("/projects/a/", "meanwhile");
    sql(&url, "update projects set description = 'afterwards' where slug = 'a'");
    server.until_holds("/projects/a/", "afterwards");
}

#[test]
fn a_layout_that_names_a_section_waits_for_it() {
    let (site, url) = bench();
    let server = Server::dev(&site, &[]);
    let layout = r#"{"sections": [{"id": "later", "config": {"text": "at last"}}]}"#;
    sql(
        &url,
        &format!("update page_layouts set layout_json = '{layout}' where page_name = 'home'"),
    );
    let told = server.told("error");
    assert!(told.to_string().contains("later"), "{told}");
    assert!(server.text("/").contains("Hello"), "the last good page stays");
    site.write("templates/sections/later.html", "<p>{{ section.config.text }}</p>");
    site.write(
        "templates/sections/later.toml",
        "label = \"Later\"\n[fields.text]\ntype = \"text\"\nlabel = \"Text\"\n",
    );
    server.until_holds("/", "<p>at last");
    server.told("mended");
    server.until_well("/");
}

/// How many servers listen to this database, of all that the cluster has.
const LOCKS: &str = "select count(*)::text from pg_locks where locktype = 'advisory' and mode = 'ShareLock' \
                     and database = (select oid from pg_database where datname = current_database())";

/// Takes a cell of the database, as text.
fn value(url: &str, sql: &'static str) -> String {
    wait(async {
        let mut connection = connect(url).await;
        let value = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
        frieze::db::hang_up(connection).await;
        value
    })
}

/// Asks until the database says so.
fn until(what: &str, good: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_mins(4);
    while !good() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn keys_are_told_as_they_were_and_as_they_are_whatever_the_writer_calls_them() {
    let (site, url) = bench();
    site.edit(
        "frieze.toml",
        "[collections.projects]",
        "[collections.times]\npage = { path = \"/times/{slug}/\", template = \"pages/time.html\" }\n\n[collections.projects]",
    );
    site.write("templates/pages/time.html", "<p>{{ row.words }}</p>");
    sql(
        &url,
        "create table times (at timestamptz primary key, slug text, words text, is_visible bool default true); \
         alter table times enable row level security; grant select on times to anon; \
         create policy times_read on times for select to anon using (is_visible); \
         insert into times values ('2024-05-01T00:00:00Z', 'may', 'one'), ('2024-06-01T00:00:00Z', 'june', 'one')",
    );
    let server = Server::dev(&site, &[]);
    assert!(server.text("/times/may/").contains("one"));
    let elsewhere = "set timezone = 'Asia/Tokyo'; set datestyle = 'German'; set intervalstyle = 'postgres_verbose';";
    sql(&url, &format!("{elsewhere} update times set words = 'two' where slug = 'may'"));
    server.until_holds("/times/may/", "two");
    // Another key, and hidden, in one statement.
    sql(
        &url,
        "update times set at = '2025-01-01T00:00:00Z', is_visible = false where slug = 'may'",
    );
    server.until("/times/may/", |answer| answer.status == 404);
    sql(&url, "update times set at = '2025-06-01T00:00:00Z', words = 'three' where slug = 'june'");
    server.until_holds("/times/june/", "three");
}

#[test]
fn triggers_that_a_killed_server_left_go_with_the_next_one() {
    let (site, url) = bench();
    // Dropped, it is killed.
    let server = Server::dev(&site, &[]);
    server.until_listening();
    drop(server);
    assert!(triggers(&url) >= 8, "nobody was left to drop them");
    // The next one knows of fewer tables.
    site.write(
        "frieze.toml",
        "[site]\ntitle = \"Small\"\nbase_url = \"https://small.example\"\n\n[layouts]\ntable = \"page_layouts\"\n",
    );
    // The killed one's session may take its time to end.
    until("the lock of the one that was killed is free", || value(&url, LOCKS) == "0");
    let server = Server::dev(&site, &[]);
    server.until_listening();
    assert_eq!(server.stop(), Some(0));
    assert_eq!(triggers(&url), 0);
    assert_eq!(value(&url, "select (to_regprocedure('frieze.tell_rows()') is null)::text"), "true");
}

#[test]
fn a_table_that_somebody_holds_is_not_waited_for() {
    let (site, url) = bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let holder = runtime.block_on(async {
        let mut connection = connect(&url).await;
        run(&mut connection, "begin; update projects set title = 'held'").await;
        connection
    });
    let server = Server::dev(&site, &[]);
    server.until_holds("/_frieze/", "noticed by asking");
    assert_eq!(triggers(&url), 0, "none is left behind on the other tables");
    runtime.block_on(frieze::db::hang_up(holder));
    sql(&url, "update projects set description = 'asked for' where slug = 'a'");
    server.until_holds("/projects/a/", "asked for");
    drop(server);
    // At the end nothing is waited for either: what cannot be dropped is left to the next one.
    let server = Server::dev(&site, &[]);
    server.until_listening();
    assert!(triggers(&url) >= 8);
    let holder = runtime.block_on(async {
        let mut connection = connect(&url).await;
        run(&mut connection, "begin; select * from projects").await;
        connection
    });
    assert_eq!(server.stop(), Some(0));
    assert_eq!(triggers(&url), 4, "of the one table");
    runtime.block_on(frieze::db::hang_up(holder));
}

/// As one is that is in the way of an edit.
#[test]
fn a_reading_of_rows_that_is_given_up_forgets_no_table() {
    let (site, url) = bench();
    let cache = site.root.join("own-cache").display().to_string();
    let variable = |name: &str| match name {
        "DATABASE_URL" => Some(url.clone()),
        "FRIEZE_CACHE_DIR" => Some(cache.clone()),
        _ => None,
    };
    let config = Config::load(&site.root, &Overrides::default(), &variable).unwrap();
    wait(async {
        let mut keeper = Keeper::open(&config, false).await.unwrap();
        let (snapshot, drafts) = keeper.read(&config).await.unwrap();
        let ready = Ready::new(&config).unwrap();
        let live = Live::new(config.clone(), ready, snapshot, drafts).unwrap();
        let tables = keeper.tables(&config);
        assert_eq!(tables, (vec!["page_layouts".to_owned(), "projects".to_owned()], true));
        let touched = Touched { tables: vec!["projects".to_owned()], ..Touched::default() };
        let read = keeper.rows_changed(&live, &touched);
        assert!(tokio::time::timeout(Duration::ZERO, read).await.is_err(), "it takes its time");
        assert_eq!(keeper.tables(&config), tables);
        keeper.forget_connection();
        assert!(keeper.rows_changed(&live, &touched).await.unwrap().is_empty());
        keeper.close().await.unwrap();
    });
}

#[test]
fn files_that_are_edited_do_not_wait_until_the_database_tells_of_rows() {
    let (site, url) = bench();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let holder = runtime.block_on(async {
        let mut connection = connect(&url).await;
        run(&mut connection, "select pg_advisory_lock(hashtext('frieze rows'))").await;
        connection
    });
    let server = Server::dev(&site, &[]);
    site.write("templates/pages/project.html", "<p>edited</p>");
    server.until_holds("/projects/a/", "<p>edited");
    assert!(!server.text("/_frieze/").contains("noticed by"), "that is still to be found out");
    // It is tried again where it could not be done.
    server.until_holds("/_frieze/", "noticed by asking");
    runtime.block_on(frieze::db::hang_up(holder));
    server.until_listening();
    assert_eq!(server.stop(), Some(0));
    assert_eq!(triggers(&url), 0);
}

#[test]
fn what_no_trigger_tells_of_is_found_and_lost_triggers_are_made_again() {
    let (site, url) = bench();
    let server = Server::dev(&site, &[]);
    server.until_listening();
    sql(
        &url,
        "set session_replication_role = replica; update projects set description = 'untold' where slug = 'a'",
    );
    sql(&url, "drop function frieze.tell_rows() cascade");
    server.until_holds("/projects/a/", "untold");
    until("the triggers are there again", || triggers(&url) >= 8);
    sql(&url, "update projects set description = 'told' where slug = 'a'");
    server.until_holds("/projects/a/", "told");
}

#[test]
fn a_longer_absence_is_caught_up_with_and_the_lock_is_held_again() {
    let (site, url) = bench();
    let name = url.rsplit('/').next().unwrap();
    let admin = postgres::cluster().url("postgres");
    let server = Server::dev(&site, &[]);
    server.until_listening();
    let gone =
        format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    sql(&admin, &format!("alter database {name} with allow_connections false"));
    sql(&admin, &gone);
    server.told("error");
    sql(&admin, &format!("alter database {name} with allow_connections true"));
    sql(&url, "update projects set description = 'meanwhile' where slug = 'a'");
    server.until_holds("/projects/a/", "meanwhile");
    server.told("mended");
    // One that comes and goes leaves this one its triggers.
    until("the lock is held", || value(&url, LOCKS) == "1");
    let other = Server::dev(&site, &[]);
    other.until_listening();
    assert_eq!(other.stop(), Some(0));
    assert!(triggers(&url) >= 8);
    sql(&url, "update projects set description = 'afterwards' where slug = 'a'");
    server.until_holds("/projects/a/", "afterwards");
    assert_eq!(server.stop(), Some(0));
    assert_eq!(triggers(&url), 0);
}

#[test]
fn drafts_are_seen_where_rows_are_asked_for() {
    let (mut site, url) = bench();
    site.database_url = Some(format!("{url}?pgbouncer=true"));
    let layout = |words: &str| {
        format!(r#"{{"sections": [{{"id": "heading", "config": {{"text": "{words}"}}}}]}}"#)
    };
    sql(
        &url,
        &format!(
            "insert into page_layouts (page_name, version, is_published, layout_json) values ('home', 2, false, '{}')",
            layout("Draft one")
        ),
    );
    let server = Server::dev(&site, &["--drafts"]);
    server.until_holds("/_frieze/", "noticed by asking");
    assert!(server.text("/").contains("Draft one"));
    sql(
        &url,
        &format!(
            "update page_layouts set layout_json = '{}' where version = 2",
            layout("Draft two")
        ),
    );
    server.until_holds("/", "Draft two");
}

#[test]
fn many_rows_at_once_are_read_as_a_whole() {
    let (site, url) = bench();
    let server = Server::dev(&site, &[]);
    sql(
        &url,
        "insert into projects (title, slug, description) select 'n', 'n-' || n, 'one' from generate_series(1, 49) n",
    );
    server.until_holds("/projects/n-49/", "one");
    // Told one by one, as their keys and the former ones are fewer than a statement tells.
    sql(&url, "update projects set description = 'two' where slug like 'n-%'");
    server.until_holds("/projects/n-1/", "two");
    for n in [2, 25, 49] {
        assert!(server.text(&format!("/projects/n-{n}/")).contains("two"));
    }
    let every = "do $$ begin for n in 1..49 loop \
        update projects set description = 'three' where slug = 'n-' || n; \
        update projects set title = 'three' where slug = 'n-' || n; end loop; end $$";
    sql(&url, every);
    server.until_holds("/projects/n-1/", "three");
    server.until_holds("/projects/n-49/", "three");
}
