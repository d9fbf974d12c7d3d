//! The runtime that database work runs on. Everything else in a build is plain threads.

use crate::error::{Error, Result};

pub fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::other("cannot start the runtime for database work").because(error))
}
