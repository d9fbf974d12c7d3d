//! Very many rows: what is read passes through bounded memory, however much it is.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

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

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_rows_of_four_kilobytes() {
    let mut connection = postgres::connect(&postgres::database().await).await;
    postgres::run(&mut connection, TABLE).await;
    let (config, cache) = (config(), tempfile::tempdir().unwrap());
    let before = peak();
    let file = cache.path().join("snapshot");
    let mut recorder = Recorder::start(&file, Origin::now("here".to_owned(), "reader")).unwrap();
    let read = source::read(&mut connection, &config, Some(&mut recorder)).await.unwrap();
    recorder.finish().unwrap().keep(0).unwrap();
    let grown = peak() - before;
    // 410 MB of texts went by: a bounded part of them stays, with the rest of each row.
    assert!(grown < 250_000_000, "{grown} bytes");
    assert_eq!(read.collections["texts"].len(), ROWS);
    for row in [0, 1, 50_000, ROWS - 1] {
        let text = body(&read, row);
        assert_eq!(text.len(), 4096);
        assert!(text.starts_with(&format!("row {} ", row + 1)), "{}", &text[..20]);
    }
    assert!(read.collections["texts"].last().unwrap().is_far());
    let fingerprint = read.fingerprint();
    drop(read);
    // Nor does what it left take more to read.
    let (again, _) = snapshot::load(&file, &config).unwrap();
    assert_eq!(again.fingerprint(), fingerprint);
    assert_eq!(body(&again, ROWS - 1).len(), 4096);
    let grown = peak() - before;
    assert!(grown < 300_000_000, "{grown} bytes");
}
