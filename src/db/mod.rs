//! (being written)

pub mod seed;
