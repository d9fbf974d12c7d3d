//! Very many rows: what is read passes through bounded memory, however much it is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "how much it was")]

#[path = "support/postgres.rs"]
mod postgres;

use frieze::config::{Config, Overrides};
use frieze::source::snapshot::{self, Origin, Recorder};
use frieze::source::{self, Snapshot};
use serde_json::Value;

const ROWS: usize = 100_000;

/// A text of 4 KB that tells its row, and does not compress to nothing.
const TABLE: &str = "
    create role reader;
    create table texts (id int primary key, slug text, body text);
    insert into texts select n, 'row-' || n,
        rpad('row ' || n || ' ' || repeat(md5(n::text) || md5((n + 1)::text) || ' ', 70), 4096, '.')
        from generate_series(1, 100000) n;
    grant select on texts to reader";

const SITE: &str = "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"\n\
    [database]\nrole = \"reader\"\n[collections.texts]\nmarkdown = [\"body\"]\n";

fn config() -> Config {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("frieze.toml"), SITE).unwrap();
    Config::load(folder.path(), &Overrides::default(), &|_| None).unwrap()
}

/// This process's memory at its largest, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

fn body(snapshot: &Snapshot, row: usize) -> String {
    let row = &snapshot.collections["texts"][row];
    let field = row.field("body").unwrap().unwrap().into_owned();
    let Value::String(text) = field else { panic!("{field}") };
    text
}

/// What the process of a test grew by, which runs in a process of its own: what one part leaves in
/// the allocator is not the other's.
fn grown_by(part: &str, arguments: &[(&str, &str)]) -> usize {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", part, "--ignored", "--nocapture"]);
    child.envs(arguments.iter().copied());
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let grown = said.lines().find_map(|line| line.split("grown by ").nth(1));
    grown.unwrap_or_else(|| panic!("{said}")).trim().parse().unwrap()
}

fn given(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn is_whole(snapshot: &Snapshot) {
    assert_eq!(snapshot.collections["texts"].len(), ROWS);
    for row in [0, 1, 50_000, ROWS - 1] {
        let text = body(snapshot, row);
        assert_eq!(text.len(), 4096);
        assert!(text.starts_with(&format!("row {} ", row + 1)), "{}", &text[..20]);
    }
    assert!(snapshot.collections["texts"].last().unwrap().is_far());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a part of the test below, in a process of its own"]
async fn reading() {
    let mut connection = postgres::connect(&given("STREAMING_URL")).await;
    let (config, file) = (config(), std::path::PathBuf::from(given("STREAMING_FILE")));
    let before = peak();
    let mut recorder = Recorder::start(&file, Origin::now("here".to_owned(), "reader")).unwrap();
    let read = source::read(&mut connection, &config, Some(&mut recorder), None).await.unwrap();
    recorder.finish().unwrap().keep(0).unwrap();
    println!("grown by {}", peak() - before);
    is_whole(&read);
}

#[test]
#[ignore = "a part of the test below, in a process of its own"]
fn loading() {
    let (config, file) = (config(), std::path::PathBuf::from(given("STREAMING_FILE")));
    let before = peak();
    let (loaded, _) = snapshot::load(&file, &config).unwrap();
    println!("grown by {}", peak() - before);
    is_whole(&loaded);
}

/// 410 MB of texts go by: a bounded part of them stays, with the rest of each row.
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_of_four_kilobytes() {
    let url = postgres::database().await;
    postgres::run(&mut postgres::connect(&url).await, TABLE).await;
    let cache = tempfile::tempdir().unwrap();
    let file = cache.path().join("snapshot").display().to_string();
    for part in ["reading", "loading"] {
        let grown = grown_by(part, &[("STREAMING_URL", &url), ("STREAMING_FILE", &file)]);
        eprintln!("{part}: {grown} bytes");
        assert!(grown < 250_000_000, "{part}: {grown} bytes");
    }
}
