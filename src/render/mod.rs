//! (being written)

pub mod highlight;
pub mod markdown;
pub mod sanitize;
