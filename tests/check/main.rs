//! `frieze db check`, on a real server: one defect at a time, what is said of it, and that the SQL
//! it offers mends it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../support/postgres.rs"]
mod postgres;
#[path = "../support/site.rs"]
mod site;

mod access;
mod clean;
mod command;
mod content;
mod migrated;
mod oddities;
mod roles;
mod shape;
mod supabase;
mod support;
mod views;
