//! From an edit in the database to the page that shows it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;

mod changed;
mod cron;
mod deploying;
mod flood;
mod job;
mod kills;
mod kit;
mod own_server;
mod path;
mod polling;
mod receiver;
mod records;
mod requests;
mod stub;
mod times;
mod triggers;

/// Longer than anything takes that comes at all, on a machine that does much else.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(4);
