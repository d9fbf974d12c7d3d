//! How a worker goes about it: for how long, on how much at once, and in whose name.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Stop;
use crate::config::Enrich;

/// How a worker goes about it.
#[derive(Debug, Clone)]
pub struct Options {
    /// After this it is over; a worker that stands has none.
    pub window: Option<Duration>,
    /// When the window began: with the work, unless something came before.
    pub begun: Option<Instant>,
    /// Longer than this is no task waited for that could not be done at once.
    pub longest_wait: Option<Duration>,
    pub concurrency: usize,
    /// Wait for more when there is none.
    pub watch: bool,
    /// All where none is named; else the first named goes first.
    pub task_types: Vec<String>,
    /// Who holds a task, for people.
    pub worker_name: String,
    pub run_id: Uuid,
    pub stop: Stop,
    /// How often a worker that stands looks for what is missing.
    pub look_every: Duration,
    /// How much longer than the window, or than being asked to stop, running tasks may take.
    pub grace: Duration,
}

const LOOK_EVERY: Duration = Duration::from_mins(1);
/// Of a window, in which tasks are begun.
const FIRST_PART: f64 = 0.9;
const LONGEST_GRACE: Duration = Duration::from_secs(30);

impl Options {
    pub fn new(settings: &Enrich) -> Self {
        Self {
            window: None,
            begun: None,
            longest_wait: None,
            concurrency: settings.concurrency,
            watch: false,
            task_types: Vec::new(),
            worker_name: worker_name(),
            run_id: Uuid::new_v4(),
            stop: Stop::default(),
            look_every: LOOK_EVERY,
            grace: LONGEST_GRACE,
        }
        .within(settings.window)
    }

    /// For so long, and half as long again for what runs by then: 30 s at most.
    #[must_use]
    pub fn within(self, window: Duration) -> Self {
        Self { window: Some(window), grace: (window / 2).min(LONGEST_GRACE), ..self }
    }

    /// When this part of the window is over.
    pub fn after(&self, part: f64) -> Option<Instant> {
        let window = self.window?;
        Some(self.begun.unwrap_or_else(Instant::now) + window.mul_f64(part))
    }

    /// The end of claiming comes before the end of the window.
    pub fn begins_until(&self) -> Option<Instant> {
        self.after(FIRST_PART)
    }
}

/// Host, process and chance.
fn worker_name() -> String {
    let host = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let host = host.into_iter().find_map(|file| std::fs::read_to_string(file).ok());
    let host = host.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_default();
    let host = match host.trim() {
        "" => "worker",
        host => host,
    };
    format!("{host}-{}-{:04x}", std::process::id(), fastrand::u16(..))
}
