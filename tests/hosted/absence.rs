//! The database is away, or says less than it did: the last site stands, or one is made from what
//! the last read left.

use std::path::PathBuf;

use super::{Run, Site, hosted, sample, says};

/// A build with a cache of its own, where the snapshot is.
fn build(site: &Site, arguments: &[&str]) -> Run {
    let mut command = site.command(&[&["build"], arguments].concat());
    command.env("FRIEZE_CACHE_DIR", site.root.join(".frieze/cache"));
    Run::of(command.output().unwrap())
}

/// The sample site, built; its images come from the cache that all tests share.
async fn built() -> (Site, String) {
    let (site, database) = sample().await;
    site.edit("frieze.toml", "[database]", "[database]\nretry_seconds = 0");
    let shared = PathBuf::from(concat!(env!("CARGO_TARGET_TMPDIR"), "/image-cache"));
    site.build();
    super::site::copy(&shared, &site.root.join(".frieze/cache"));
    super::done(&build(&site, &[]));
    (site, database)
}

/// Nothing answers there any more.
fn unplug(site: &mut Site) {
    let url = site.database_url.take().unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (start, rest) = url.split_once("@localhost:").unwrap();
    let (_, rest) = rest.split_once('/').unwrap();
    site.database_url = Some(format!("{start}@localhost:{gone}/{rest}"));
}

async fn stop_taking_connections(database: &str) {
    let sql = format!("alter database {database} allow_connections false");
    hosted::run("postgres", &sql).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_builds_the_same_site_and_says_how_old_it_is() {
    let (mut site, _) = built().await;
    let online = site.dist();
    unplug(&mut site);
    says(&build(&site, &[]), 4, &["cannot connect to the database", "is it running?"]);
    assert!(site.dist() == online, "the last site stands");
    std::fs::remove_dir_all(site.root.join("dist")).unwrap();
    let run = build(&site, &["--offline"]);
    let said = super::done(&run);
    assert!(said.contains("snapshot  of localhost:") && said.contains(" old ("), "{said}");
    assert!(site.dist() == online, "the same bytes");
    site.database_url = None;
    let run = build(&site, &["--offline", "--json"]);
    let report: serde_json::Value = serde_json::from_str(super::done(&run)).unwrap();
    let snapshot = &report["snapshot"];
    assert!(snapshot["place"].as_str().unwrap().starts_with("localhost:"), "{snapshot}");
    assert!(snapshot["taken_at"].as_str().unwrap().starts_with("20"), "{snapshot}");
    assert_eq!(snapshot["rows"]["projects"], 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_may_ask_for_it_but_only_where_the_database_is_away() {
    let (mut site, database) = built().await;
    site.edit("frieze.toml", "[database]", "[database]\non_unreachable = \"snapshot\"");
    let online = site.dist();
    stop_taking_connections(&database).await;
    let run = build(&site, &[]);
    assert!(super::done(&run).contains("snapshot  of localhost:"), "{}", run.stdout);
    assert!(run.stderr.contains("building from the last snapshot"), "{}", run.stderr);
    assert!(site.dist() == online);
    // A refusal is not absence: a wrong password must not go unnoticed.
    let url = site.database_url.clone().unwrap();
    site.database_url = Some(url.replace("tr0ub4dor", "tr0ub4dog"));
    says(&build(&site, &[]), 4, &["check user and password"]);
    // Nor is the snapshot of one database any good for another.
    site.database_url = Some(url);
    unplug(&mut site);
    let words = ["there is no snapshot of this database to build from", "is it running?"];
    says(&build(&site, &[]), 4, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_snapshot_offline_says_so() {
    let (site, _) = sample().await;
    let run = build(&site, &["--offline"]);
    says(
        &run,
        4,
        &["there is no snapshot", "a build that reads the database at DATABASE_URL leaves one"],
    );
}

/// A policy is lost, and with it every row that the public may see.
#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_shrinks_by_more_than_half_is_refused() {
    let (site, database) = built().await;
    let whole = site.dist();
    let lost = "do $$ declare p record; begin
        for p in select * from pg_policies where schemaname = 'public' and tablename = any (array['projects', 'skills', 'solutions'])
        loop execute format('drop policy %I on %I', p.policyname, p.tablename); end loop; end $$";
    hosted::run(&database, lost).await;
    let run = build(&site, &[]);
    says(&run, 5, &["the site would shrink from", "projects 6 → 0", "skills", "--allow-shrink"]);
    assert!(site.dist() == whole, "the last site stands");
    // What was refused is no measure for the next build, on this machine or on a fresh one.
    says(&build(&site, &[]), 5, &["the site would shrink"]);
    std::fs::remove_dir_all(site.root.join("dist")).unwrap();
    std::fs::remove_dir_all(site.root.join(".dist.frieze")).unwrap();
    says(&build(&site, &[]), 5, &["the site would shrink"]);
    super::done(&build(&site, &["--allow-shrink"]));
    super::done(&build(&site, &[]));
    assert!(site.dist().len() < whole.len());
}

/// What came as it is, in `static/`, is no measure of pages.
#[tokio::test(flavor = "multi_thread")]
async fn files_that_are_no_pages_do_not_count() {
    let (site, _) = built().await;
    for number in 0..60 {
        site.write(&format!("static/old/{number}.html"), "<p>as it was</p>");
    }
    super::done(&build(&site, &[]));
    super::done(&build(&site, &[]));
}

/// A snapshot of another database is taken when asked for by word, and said.
#[tokio::test(flavor = "multi_thread")]
async fn offline_says_when_the_snapshot_is_of_another_database() {
    let (mut site, _) = built().await;
    unplug(&mut site);
    let run = build(&site, &["--offline"]);
    super::done(&run);
    assert!(run.stderr.contains("the snapshot is of localhost:"), "{}", run.stderr);
}
