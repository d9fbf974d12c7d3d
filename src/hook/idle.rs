//! Columns whose change alone changes no page, as templates and configuration say. Those are not read
//! for each of many webhooks.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Config;
use crate::theme::Touched;

/// Templates may change while the receiver runs.
const FRESH: Duration = Duration::from_secs(10);

#[derive(Default)]
pub struct Idle(Mutex<Option<(Instant, Vec<&'static str>)>>);

impl Idle {
    /// What cannot be read counts.
    pub fn columns(&self, config: &Config) -> Vec<&'static str> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, columns)) = known.as_ref().filter(|(read, _)| read.elapsed() < FRESH) {
            return columns.clone();
        }
        let columns = Touched::of(config).map(|it| it.idle(config)).unwrap_or_default();
        *known = Some((Instant::now(), columns.clone()));
        columns
    }
}
