//! Trouble that passes is waited for, within a bound; what does not pass is said at once.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant;

use super::{Way, hosted, sample, says};

/// A way to the server whose first connections are dropped as soon as they are made.
fn flaky(drops: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for (number, client) in listener.incoming().enumerate() {
            let client = client.unwrap();
            if number < drops {
                continue;
            }
            let server = TcpStream::connect(("localhost", hosted().port(Way::Direct))).unwrap();
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            std::thread::spawn(move || pass(from, to));
            std::thread::spawn(move || pass(server, client));
        }
    });
    port
}

fn pass(mut from: impl Read, mut to: TcpStream) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_dropped_is_made_again() {
    let (mut site, database) = sample().await;
    let url = hosted().url(Way::Direct, &database);
    let port = hosted().port(Way::Direct);
    site.database_url = Some(url.replace(&format!(":{port}/"), &format!(":{}/", flaky(2))));
    let run = site.build();
    assert_eq!(run.stderr.matches("trying again in").count(), 2, "{}", run.stderr);
    super::discreet(&run);
    site.edit("frieze.toml", "[database]", "[database]\nretry_seconds = 0");
    site.database_url = Some(url.replace(&format!(":{port}/"), &format!(":{}/", flaky(2))));
    says(&site.run(&["build"]), 4, &["cannot connect to the database", "dropped it"]);
}

/// Somebody restarts the server while rows are read.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_cut_off_begins_anew() {
    let (site, database) = sample().await;
    hosted::run(
        &database,
        "create view slow with (security_invoker) as select 1 as id, 'x' as name, pg_sleep(1.5)::text as t;
         grant select on slow to anon",
    )
    .await;
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", format!("{config}\n[collections.slow]\n"));
    let mut build = site.command(&["build"]);
    let build = std::thread::spawn(move || super::Run::of(build.output().unwrap()));
    let cut = format!(
        "do $$ begin
           while not exists (select from pg_stat_activity where datname = '{database}'
               and state = 'active' and query like '%\"slow\"%')
           loop perform pg_sleep(0.02); perform pg_stat_clear_snapshot(); end loop;
           perform pg_terminate_backend(pid) from pg_stat_activity
           where datname = '{database}' and pid <> pg_backend_pid();
         end $$"
    );
    hosted::run("postgres", &cut).await;
    let run = build.join().unwrap();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("terminating connection"), "{}", run.stderr);
    assert!(run.stderr.contains("trying again in"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_takes_too_long_is_named() {
    let (site, database) = sample().await;
    hosted::run(
        &database,
        "create view slow with (security_invoker) as select 1 as id, pg_sleep(3)::text as t;
         grant select on slow to anon",
    )
    .await;
    hosted::run("postgres", &format!("alter database {database} set statement_timeout = '400ms'"))
        .await;
    let config = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
    site.write("frieze.toml", format!("{config}\n[collections.slow]\n"));
    let words = [
        "reading the collection \"slow\" failed",
        "statement timeout (57014)",
        "set statement_timeout",
    ];
    says(&site.run(&["build"]), 4, &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_will_not_pass_is_not_waited_for() {
    let (mut site, database) = sample().await;
    let url = hosted().url(Way::Direct, &database);
    site.database_url = Some(url.replace("tr0ub4dor", "tr0ub4dog"));
    let run = site.run(&["build"]);
    says(&run, 4, &["check user and password"]);
    assert!(!run.stderr.contains("trying again"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_has_an_end() {
    let (mut site, database) = sample().await;
    site.edit("frieze.toml", "[database]", "[database]\nretry_seconds = 1");
    let url = hosted().url(Way::Direct, &database);
    let port = hosted().port(Way::Direct);
    site.database_url =
        Some(url.replace(&format!(":{port}/"), &format!(":{}/", flaky(usize::MAX))));
    let begun = Instant::now();
    let run = site.run(&["build"]);
    says(&run, 4, &["trying again in", "cannot connect to the database"]);
    assert!(begun.elapsed().as_secs() < 30, "a second, and the delay that was begun");
}
