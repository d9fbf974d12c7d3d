//! The queue of tasks, on a real server: who gets what, what is recorded of it and when, and what
//! remains when workers and the server itself are killed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "../support/postgres.rs"]
mod postgres;

/// A measurement, for whoever looks with --nocapture.
macro_rules! say {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}

mod claims;
mod command;
mod crash;
mod effects;
mod ends;
mod fields;
mod kit;
mod plans;
mod reverts;
mod rows;
mod speed;
mod stats;
mod workers;
