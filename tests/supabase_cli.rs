//! Migrations under the real Supabase CLI: what `frieze db migrations --write` writes, it applies, and
//! the two get along in either order. `scripts/test-supabase-cli.sh` fetches it, once.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/postgres.rs"]
mod postgres;
#[path = "support/site.rs"]
mod site;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use site::{Run, Site};
use sqlx::{AssertSqlSafe, PgConnection};

const FETCH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/test-supabase-cli.sh");
const FOLDER: &str = "supabase/migrations";

/// What a Supabase project brings: extensions and auth in schemas of their own, which the tables'
/// owner does not own, and rights for the API's roles on whatever is made in public.
const PROJECT: &str = "
    create schema extensions; create extension vector with schema extensions; create schema auth;
    create function auth.uid() returns uuid language sql stable as 'select null::uuid';
    create function auth.jwt() returns jsonb language sql stable as $$select '{}'::jsonb$$;";

/// Both tools run it, so it can run twice, as the built-in ones can.
const NOTES: &str = "-- Texts; with a semicolon, and 'a quote
create table if not exists public.notes (id uuid primary key default gen_random_uuid(), body text default 'a;b');
do $body$ begin perform 1; if true then perform 2; end if; end $body$;
alter table public.notes enable row level security;
";

/// All that both could make: tables with their columns, policies, grants, triggers and indexes.
const SHAPE: &str = "
    select format('%s.%s %s %s', table_name, column_name, data_type, column_default)
    from information_schema.columns where table_schema = 'public'
    union all select format('policy %s on %s %s %s', policyname, tablename, roles, qual) from pg_policies
    union all select format('grant %s on %s to %s', privilege_type, table_name, grantee)
    from information_schema.role_table_grants where table_schema = 'public'
    union all select format('trigger %s on %s', tgname, tgrelid::regclass) from pg_trigger where not tgisinternal
    union all select indexdef from pg_indexes where schemaname = 'public'";

#[tokio::test(flavor = "multi_thread")]
async fn the_cli_applies_what_is_written_and_frieze_takes_it_over() {
    let site = site_with_notes(Some(project().await));
    let files = written(&site);
    assert!(files.contains("20260101000100_foundation.sql"), "{files:?}");
    assert!(files.contains("20270101000000_notes.sql"), "{files:?}");
    assert!(files.iter().all(|name| !name.contains(".down")), "{files:?}");

    let run = push(&site);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut connection = postgres::connect(site.database_url.as_ref().unwrap()).await;
    let record =
        "select version || '_' || name || '.sql' from supabase_migrations.schema_migrations";
    assert_eq!(column(&mut connection, record).await, files);

    // frieze runs them once more, which changes nothing, and records them.
    let shape = column(&mut connection, SHAPE).await;
    assert_eq!(migrate(&site), files.len());
    assert_eq!(column(&mut connection, SHAPE).await, shape);
    assert_eq!(migrate(&site), 0);
    let again = push(&site);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert!(again.stdout.contains("up to date"), "{}", again.stdout);

    // And it is what frieze alone would have made.
    let alone = site_with_notes(Some(project().await));
    migrate(&alone);
    let mut connection = postgres::connect(alone.database_url.as_ref().unwrap()).await;
    assert_eq!(column(&mut connection, SHAPE).await, shape);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cli_may_come_second_and_takes_no_row_away() {
    let site = site_with_notes(Some(project().await));
    let files = written(&site);
    assert_eq!(migrate(&site), files.len());
    assert_eq!(site.run(&["db", "seed"]).code, 0);
    let mut connection = postgres::connect(site.database_url.as_ref().unwrap()).await;
    let rows = "select to_jsonb(t)::text from public.page_layouts t";
    let before = column(&mut connection, rows).await;
    assert_eq!(before.len(), 1);

    let run = push(&site);
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(column(&mut connection, rows).await, before);
    assert_eq!(migrate(&site), 0);
}

#[test]
fn files_are_written_once_and_nothing_else_is_touched() {
    let site = site_with_notes(None);
    site.write(&format!("{FOLDER}/20250101000000_mine.sql"), "select 1;");
    let files = written(&site);
    let path = site.root.join(FOLDER).join("20260101000100_foundation.sql");
    let made = fs::metadata(&path).unwrap().modified().unwrap();
    assert_eq!(written(&site), files);
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), made);
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        include_str!("../migrations/20260101000100_foundation.up.sql")
    );
    assert!(files.contains("20250101000000_mine.sql"));

    site.write(&format!("{FOLDER}/20260101000100_foundation.sql"), "select 2;");
    fs::remove_file(site.root.join(FOLDER).join("20270101000000_notes.sql")).unwrap();
    let run = site.run(&["db", "migrations", "--write", FOLDER]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("20260101000100_foundation.sql differs"), "{}", run.stderr);
    assert!(!site.root.join(FOLDER).join("20270101000000_notes.sql").exists(), "half was written");
}

#[test]
fn what_the_cli_would_run_in_another_order_is_refused() {
    let site = Site::small();
    site.write("migrations/9_notes.up.sql", NOTES);
    let run = site.run(&["db", "migrations", "--write", FOLDER]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("9_notes"), "{}", run.stderr);

    let site = site_with_notes(None);
    site.write(&format!("{FOLDER}/20260101000100_mine.sql"), "select 1;");
    let run = site.run(&["db", "migrations", "--write", FOLDER]);
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("20260101000100_mine.sql"), "{}", run.stderr);
}

fn site_with_notes(database_url: Option<String>) -> Site {
    let mut site = Site::small();
    site.write("migrations/20270101000000_notes.up.sql", NOTES);
    site.write("migrations/20270101000000_notes.down.sql", "drop table public.notes;\n");
    site.database_url = database_url;
    site
}

async fn project() -> String {
    let url = postgres::database().await;
    postgres::run(&mut postgres::connect(&url).await, PROJECT).await;
    url
}

/// The names in the folder, after frieze has written into it.
fn written(site: &Site) -> BTreeSet<String> {
    let run = site.run(&["db", "migrations", "--write", FOLDER]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let files = fs::read_dir(site.root.join(FOLDER)).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// How many `frieze db migrate` applied.
fn migrate(site: &Site) -> usize {
    let run = site.run(&["--json", "db", "migrate"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let value: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    value["migrations"].as_array().unwrap().len()
}

async fn column(connection: &mut PgConnection, sql: &str) -> BTreeSet<String> {
    let query = sqlx::query_scalar(AssertSqlSafe(sql));
    let rows: Vec<String> = query.fetch_all(connection).await.unwrap();
    rows.into_iter().collect()
}

/// `supabase db push`, on this machine alone: without a home, an account, or word to its makers.
fn push(site: &Site) -> Run {
    let remote = format!("--remote={}?sslmode=disable", site.database_url.as_ref().unwrap());
    let mut command = Command::new(cli());
    command.args(["db", "push", "--yes"]).arg(remote).current_dir(&site.root);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", &site.root);
    for switch in ["DO_NOT_TRACK", "SUPABASE_TELEMETRY_DISABLED", "SUPABASE_NO_UPDATE_NOTIFIER"] {
        command.env(switch, "1");
    }
    Run::of(command.stdin(Stdio::null()).output().unwrap())
}

/// The program named by `FRIEZE_TEST_SUPABASE`, or what the script fetches: test processes wait for
/// each other here, so that only the first has to.
fn cli() -> PathBuf {
    if let Some(named) = std::env::var_os("FRIEZE_TEST_SUPABASE") {
        return named.into();
    }
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/this-test
    let target: &Path = test.ancestors().nth(3).unwrap();
    let lock = File::create(target.join("test-supabase-cli.lock")).unwrap();
    lock.lock().unwrap();
    let mut fetch = Command::new("sh");
    fetch.arg(FETCH).env("CARGO_TARGET_DIR", target).stdin(Stdio::null());
    let output = fetch.output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "no Supabase CLI for the tests: {FETCH} failed:\n{why}");
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim())
}
