//! The receiver's memory on disk: a file of lines, each with a checksum, synced before anybody is
//! told that something was accepted. Requests that come at one time share one sync.

mod disk;
#[cfg(test)]
mod fault_tests;
mod lines;
#[cfg(test)]
mod tests;
mod writer;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot, watch};

use super::clock::Clock;
use super::state::{Entry, State};
use crate::error::{Error, Result};
use crate::fs;
use disk::{Disk, Real};
use writer::{Message, QUEUE, Writer};

const NAME: &str = "journal";
const LOCK: &str = "lock";

/// What became of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    Durably,
    /// The request was seen before.
    Before,
    /// It could not be written; the log says why.
    Not,
}

pub struct Journal {
    state: Arc<Mutex<State>>,
    clock: Arc<Clock>,
    changed: watch::Sender<()>,
    queue: Mutex<Option<mpsc::Sender<Message>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Journal {
    /// Reads what is there and begins the file anew. One process at a time has it.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_on(folder, Box::new(Real), Clock::new())
    }

    fn open_on(folder: &Path, disk: Box<dyn Disk>, clock: Clock) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let lock = lock(folder)?;
        let mut state = lines::load(&folder.join(NAME), clock.now())?;
        state.interrupted();
        // Times that lie ahead come from a clock that was wrong.
        state.not_after(clock.now());
        let (state, clock) = (Arc::new(Mutex::new(state)), Arc::new(clock));
        let changed = watch::Sender::new(());
        let (queue, messages) = mpsc::channel(QUEUE);
        let parts = (Arc::clone(&state), Arc::clone(&clock), changed.clone());
        let writer = Writer::new(folder.join(NAME), disk, parts, lock)?;
        let thread = std::thread::Builder::new().name("journal".to_owned());
        let thread = thread.spawn(move || writer.run(messages));
        let thread =
            thread.map_err(|error| Error::other("cannot start a thread").because(error))?;
        Ok(Self {
            state,
            clock,
            changed,
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Writes an entry down, with the time; once this returns it is on disk and part of the state.
    pub async fn write(&self, entry: Entry) -> Written {
        let Some(queue) = held(&self.queue).clone() else { return Written::Not };
        let (tell, told) = oneshot::channel();
        if queue.send((entry, tell)).await.is_err() {
            return Written::Not;
        }
        told.await.unwrap_or(Written::Not)
    }

    /// What is known, and what time it is.
    pub fn look<T>(&self, look: impl FnOnce(&State, i64) -> T) -> T {
        let state = held(&self.state);
        look(&state, self.clock.now())
    }

    /// Follows the machine's clock, if that was set.
    pub async fn follow_clock(&self) {
        if self.clock.off() != 0 {
            self.write(Entry::Clock { by: 0 }).await;
        }
    }

    /// Is told whenever the state changes.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Ends writing, once all is written that was handed over.
    pub fn close(&self) {
        drop(held(&self.queue).take());
        if let Some(thread) = held(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|error| fs::failed("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::output(format!("another receiver uses {}", folder.display()))
                .help("stop it, or give this one a folder of its own: hook.state in frieze.toml"))
        }
        Err(TryLockError::Error(error)) => Err(fs::failed("lock", &path, error)),
    }
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
