//! Output leaves here: files staged and exchanged in one step, host rules, feeds, sitemap.

pub mod data;
pub mod stage;

pub use stage::{Report, Reused, Stage};
