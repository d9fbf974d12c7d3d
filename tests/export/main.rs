//! `db export` against a real server: what files say afterwards, and what a restore from them gives.

// A test that cannot be set up should stop at once.
#![allow(clippy::unwrap_used)]

mod edits;
mod enriched;
mod homes;
mod kit;
mod races;
mod refusals;
mod support;
mod types;

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;
