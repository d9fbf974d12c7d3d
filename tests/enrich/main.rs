//! Enrichment on the sample site: what is missing is filled by a model before the pages are made.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod add;
mod detection;
mod down;
mod kit;
#[path = "../support/models.rs"]
mod models;
#[path = "../support/postgres.rs"]
mod postgres;
mod sample;
mod server;
#[path = "../support/site.rs"]
mod site;
mod watching;
