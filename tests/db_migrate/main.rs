//! Migrations, on a real server: what they make, for whom, in what order, and back.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../support/config.rs"]
mod config;
#[path = "../support/postgres.rs"]
mod postgres;

mod access;
mod order;
mod shape;
mod site;
mod strangers;
mod undoing;
