//! Dev mode over loopback: a real server, real files edited as editors do it, real rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../support/models.rs"]
mod models;
#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;
#[path = "../support/storage.rs"]
mod storage;

mod away;
mod drafts;
mod edits;
mod elsewhere;
mod faults;
mod files;
mod kit;
mod mending;
mod notes;
mod preview;
mod proxy;
mod random;
mod requests;
mod rows;
mod same;
