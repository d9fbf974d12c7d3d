//! A hosted database: the ways to it, what goes wrong on them, and what happens without it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/hosted.rs"]
mod hosted;
#[path = "../support/models.rs"]
mod models;
#[path = "../support/site.rs"]
mod site;

mod absence;
mod enriching;
mod redeploying;
mod refusals;
mod trouble;
mod ways;

use hosted::{Way, hosted};
use site::{Run, Site};

/// The sample site on a new database that is migrated and seeded.
async fn sample() -> (Site, String) {
    let database = hosted::database().await;
    let site = on(Way::Direct, &database);
    for arguments in [["db", "migrate"], ["db", "seed"]] {
        done(&site.run(&arguments));
    }
    (site, database)
}

/// The sample site with a database on one of the ways to it.
fn on(way: Way, database: &str) -> Site {
    let mut site = Site::copy_of(".");
    site.database_url = Some(hosted().url(way, database));
    site
}

fn done(run: &Run) -> &str {
    assert_eq!(run.code, 0, "{}", run.stderr);
    discreet(run);
    &run.stdout
}

/// Fails with this code and says these words.
fn says(run: &Run, code: i32, words: &[&str]) {
    assert_eq!(run.code, code, "{}\n{}", run.stdout, run.stderr);
    discreet(run);
    for word in words {
        assert!(run.stderr.contains(word), "no {word:?} in:\n{}", run.stderr);
    }
}

/// No part of a password is printed, however it is written.
fn discreet(run: &Run) {
    for secret in [hosted::PASSWORD, "tr0ub4dor", "%26"] {
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
