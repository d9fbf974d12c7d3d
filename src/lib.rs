//! frieze freezes a living Postgres database into a static site.
//!
//! Data enters at `config` and leaves at `publish`; [`pipeline`] is the one file that names every
//! stage. `ARCHITECTURE.md` says which room may know what.

pub mod assets;
pub mod cache;
pub mod cli;
pub mod config;
pub mod db;
pub mod enrich;
pub mod error;
pub mod fs;
pub mod hook;
pub mod model;
pub mod pipeline;
pub mod publish;
pub mod render;
pub mod serve;
pub mod signals;
pub mod source;
pub mod telemetry;
pub mod theme;
pub mod web;
