//! Signals while a worker is part of something longer, as a build is: the first has it give back its
//! tasks, and whatever comes after it is not begun. At any other time a signal ends the process, as
//! it would without this.
//!
//! A process that listens to a signal once does so until its end, so one thread listens for all.

use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Stop;
use crate::signals::Signals;

/// While it lives, the first signal asks a worker to stop.
pub struct Watch(Arc<Watched>);

struct Watched {
    stop: Stop,
    signal: AtomicU8,
}

static WATCHED: Mutex<Option<Arc<Watched>>> = Mutex::new(None);

impl Watch {
    pub fn over(stop: &Stop) -> Self {
        static LISTENER: OnceLock<()> = OnceLock::new();
        let watched = Arc::new(Watched { stop: stop.clone(), signal: AtomicU8::new(0) });
        set(Some(Arc::clone(&watched)));
        // Where there is no such thread, signals do what they always do.
        LISTENER.get_or_init(|| {
            let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(listen);
        });
        Self(watched)
    }

    /// The signal that came.
    pub fn signal(&self) -> Option<u8> {
        Some(self.0.signal.load(SeqCst)).filter(|signal| *signal > 0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        set(None);
    }
}

fn set(watched: Option<Arc<Watched>>) {
    *WATCHED.lock().unwrap_or_else(PoisonError::into_inner) = watched;
}

fn come(signal: u8) {
    let watched = WATCHED.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match watched {
        Some(watched) if watched.signal.swap(signal, SeqCst) == 0 => {
            // Twice: there is no time to let tasks end.
            watched.stop.ask();
            watched.stop.ask();
        }
        _ => std::process::exit(128 + i32::from(signal)),
    }
}

fn listen() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    if let Ok(runtime) = runtime {
        runtime.block_on(async {
            let mut signals = Signals::listen();
            loop {
                come(signals.next().await);
            }
        });
    }
}
