//! Seeding: `content/` goes into Postgres, and only what differs is written.

mod read;

pub use read::{Content, Row};
