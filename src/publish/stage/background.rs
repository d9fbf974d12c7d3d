//! A value that another thread works out while this one goes on.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, Result};

pub struct Background<T> {
    thread: Mutex<Option<JoinHandle<Result<T>>>>,
    value: OnceLock<Result<T>>,
}

impl<T: Send + 'static> Background<T> {
    pub fn start(work: impl FnOnce() -> Result<T> + Send + 'static) -> Self {
        let thread = Mutex::new(Some(std::thread::spawn(work)));
        Self { thread, value: OnceLock::new() }
    }

    /// A value that needs no work.
    pub fn ready(value: T) -> Self {
        Self { thread: Mutex::new(None), value: OnceLock::from(Ok(value)) }
    }

    /// The value; waits for it the first time.
    pub fn get(&self) -> Result<&T> {
        let value = self.value.get_or_init(|| self.join());
        value.as_ref().map_err(|error| Error::new(error.kind(), error.chain().join(": ")))
    }
}

impl<T> Background<T> {
    fn join(&self) -> Result<T> {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        thread.and_then(|thread| thread.join().ok()).unwrap_or_else(|| {
            Err(Error::output("a thread that looks after the output folder panicked"))
        })
    }
}

/// The thread works on a folder that its owner has locked: it ends before the lock does.
impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        if self.value.get().is_none() {
            let _ = self.join();
        }
    }
}
