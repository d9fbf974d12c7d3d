//! Content files into a real Postgres: what a sync inserts, changes, leaves alone, deletes and
//! refuses.

// A test that cannot be set up should stop at once.
#![allow(clippy::unwrap_used)]

mod changes;
mod columns;
mod conflicts;
mod identity;
mod refusals;
mod support;
mod touch;
