//! Getting written bytes onto the disk while the last pages still render, so that the wait before
//! the exchange is short.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::dir::Dir;
use crate::error::{Error, Result};

/// How many bytes are written before the disk is set to work. From 8 to 32 MiB cost the same.
const STEP: u64 = 16 << 20;

pub struct Flusher {
    root: Arc<Dir>,
    written: AtomicU64,
    wake: SyncSender<()>,
    thread: JoinHandle<Result<()>>,
}

impl Flusher {
    /// Starts the thread that syncs the file system which holds `root`.
    pub fn start(root: &Arc<Dir>) -> Self {
        let (wake, woken) = sync_channel(1);
        let there = Arc::clone(root);
        let thread = std::thread::spawn(move || woken.into_iter().try_for_each(|()| sync(&there)));
        Self { root: Arc::clone(root), written: AtomicU64::new(0), wake, thread }
    }

    /// Counts what was written.
    pub fn wrote(&self, bytes: u64) {
        let before = self.written.fetch_add(bytes, Ordering::Relaxed);
        if before / STEP != (before + bytes) / STEP {
            // A full channel means that a sync is about to start anyway.
            let _ = self.wake.try_send(());
        }
    }

    /// Returns when all that was written before the call is on the disk.
    pub fn finish(self) -> Result<()> {
        drop(self.wake);
        let stopped = self.thread.join();
        stopped.unwrap_or_else(|_| Err(Error::output("the thread that syncs panicked")))?;
        sync(&self.root)
    }
}

#[cfg(target_os = "linux")]
fn sync(root: &Dir) -> Result<()> {
    rustix::fs::syncfs(root.fd())
        .map_err(|errno| crate::fs::failed("sync", &root.path(""), errno.into()))
}

#[cfg(not(target_os = "linux"))]
#[allow(clippy::unnecessary_wraps)]
fn sync(_: &Dir) -> Result<()> {
    rustix::fs::sync();
    Ok(())
}
