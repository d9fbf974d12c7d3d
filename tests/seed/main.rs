//! Content files into a real Postgres: what a sync inserts, changes, leaves alone, deletes and
//! refuses.

mod changes;
mod columns;
mod identity;
mod refusals;
mod support;
