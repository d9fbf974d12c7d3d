//! The works: makes variants while pages are rendered. A source is decoded once for all that is
//! wanted of it at the time; how many pixels are worked on at once is bounded, whatever the number
//! of threads.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde::Serialize;

use super::work::Job;
use super::{Images, Variant, What};
use crate::error::{Error, Result};

/// What was made, in a finished build.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Sources that were worked on: decoded, or passed through.
    pub decoded: usize,
    /// Variants that were encoded.
    pub encoded: usize,
    /// Their bytes.
    pub bytes: u64,
    /// The most decoded pixels that were worked on at once.
    pub pixels_at_once: u64,
}

/// Threads at work. Dropped without [`Works::finish`], it leaves undone what nobody began.
pub struct Works {
    queue: Arc<Queue>,
    foreman: Option<JoinHandle<()>>,
}

struct Queue {
    images: Arc<Images>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Sources that something is wanted of, in the order they were first asked for.
    waiting: VecDeque<String>,
    wanted: HashMap<String, Vec<What>>,
    /// Everything that was ever asked for.
    known: HashSet<Variant>,
    /// Decoded pixels of the sources being worked on.
    pixels: u64,
    running: usize,
    /// Somebody waits for what was asked for.
    awaited: bool,
    closed: bool,
    made: Made,
    error: Option<Error>,
}

/// So many sources are gathered before the first is begun, while pages are still being rendered:
/// most will have been asked for all that is wanted of them by then, and are decoded once.
const HEAD_START: usize = 32;

/// How many sources a remote cache is asked about at once.
const BATCH: usize = 64;

impl Works {
    pub fn start(images: &Arc<Images>) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::other(format!("cannot start the threads that make images: {error}"))
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .thread_name(|number| format!("image {number}"))
            .build()
            .map_err(|error| failed(&error))?;
        let (state, changed) = (Mutex::default(), Condvar::new());
        let queue = Arc::new(Queue { images: images.clone(), state, changed });
        let hers = queue.clone();
        let foreman = std::thread::Builder::new()
            .name("images".to_owned())
            .spawn(move || hers.hand_out(&pool))
            .map_err(|error| failed(&error))?;
        Ok(Self { queue, foreman: Some(foreman) })
    }

    /// Asks for a variant; one that is there already, or was asked for, costs nothing.
    pub fn request(&self, variant: &Variant) {
        let Some(source) = self.queue.images.source(&variant.source) else { return };
        if self.queue.images.is_complete(source, variant.what) {
            return;
        }
        let mut state = self.queue.lock();
        if state.known.insert(variant.clone()) {
            let wanted = state.wanted.entry(variant.source.clone()).or_default();
            wanted.push(variant.what);
            if wanted.len() == 1 {
                state.waiting.push_back(variant.source.clone());
            }
            self.queue.changed.notify_all();
        }
    }

    /// Waits until everything that was asked for is made or known to be broken.
    pub fn wait(&self) -> Result<()> {
        let mut state = self.queue.lock();
        state.awaited = true;
        self.queue.changed.notify_all();
        while state.error.is_none() && (state.running > 0 || !state.waiting.is_empty()) {
            state = self.queue.wait(state);
        }
        state.error.take().map_or(Ok(()), Err)
    }

    pub fn finish(mut self) -> Result<Made> {
        self.wait()?;
        let made = self.queue.lock().made;
        self.close();
        Ok(made)
    }

    fn close(&mut self) {
        self.queue.lock().closed = true;
        self.queue.changed.notify_all();
        if let Some(foreman) = self.foreman.take() {
            // A panic there is ours to report, not to repeat.
            let _ = foreman.join();
        }
    }
}

impl Drop for Works {
    fn drop(&mut self) {
        self.queue.lock().waiting.clear();
        self.close();
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    fn hand_out(self: &Arc<Self>, pool: &rayon::ThreadPool) {
        while let Some(batch) = self.next() {
            self.images.fetch(&batch);
            for (name, wanted) in batch {
                self.begin(pool, name, wanted);
            }
        }
        // The pool's threads end with it; what they began is counted until then.
        let mut state = self.lock();
        while state.running > 0 {
            state = self.wait(state);
        }
    }

    /// The next sources to work on: one, unless a remote cache is asked about many at once.
    fn next(&self) -> Option<Vec<Job>> {
        let most = if self.images.cache().has_remote() { BATCH } else { 1 };
        let mut state = self.lock();
        while !state.closed
            && (state.waiting.is_empty() || !state.awaited && state.waiting.len() < HEAD_START)
        {
            state = self.wait(state);
        }
        let count = most.min(state.waiting.len());
        let names: Vec<String> = state.waiting.drain(..count).collect();
        state.running += names.len();
        let mut wanted = |name: String| {
            let wanted = state.wanted.remove(&name).unwrap_or_default();
            (name, wanted)
        };
        let batch: Vec<Job> = names.into_iter().map(&mut wanted).collect();
        (!batch.is_empty()).then_some(batch)
    }

    fn begin(self: &Arc<Self>, pool: &rayon::ThreadPool, name: String, mut wanted: Vec<What>) {
        let Some(source) = self.images.source(&name) else {
            return self.done(0, Ok(Made::default()));
        };
        wanted.retain(|what| !self.images.is_complete(source, *what));
        if wanted.is_empty() {
            return self.done(0, Ok(Made::default()));
        }
        let pixels = self.images.cost(source);
        self.make_room(pixels);
        let queue = self.clone();
        pool.spawn(move || {
            let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                queue.images.work(&name, &wanted)
            }));
            let made = made.unwrap_or_else(|_| {
                queue.images.mark_broken(&name, "cannot be decoded: its decoder gave up");
                Ok(Made::default())
            });
            queue.done(pixels, made);
        });
    }

    /// Waits until so many more decoded pixels fit; a single source always does.
    fn make_room(&self, pixels: u64) {
        let most = self.images.settings().pixels_in_flight;
        let mut state = self.lock();
        while state.pixels > 0 && state.pixels + pixels > most {
            state = self.wait(state);
        }
        state.pixels += pixels;
        state.made.pixels_at_once = state.made.pixels_at_once.max(state.pixels);
    }

    fn done(&self, pixels: u64, made: Result<Made>) {
        let mut state = self.lock();
        state.running -= 1;
        state.pixels -= pixels;
        match made {
            Ok(made) => {
                state.made.decoded += made.decoded;
                state.made.encoded += made.encoded;
                state.made.bytes += made.bytes;
            }
            Err(error) => state.error = Some(error),
        }
        self.changed.notify_all();
    }
}
