//! How long pages and templates take, for whoever wants to know where the time goes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Of the pages asked for so far.
#[derive(Debug, Default)]
pub struct Timings(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    pages: BTreeMap<String, Timing>,
    templates: BTreeMap<String, Timing>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    pub times: u32,
    pub last: Duration,
    pub total: Duration,
    /// Of HTML, the last time.
    pub bytes: usize,
}

/// So many pages are remembered; a crawler of a large site may ask for all.
const MOST: usize = 500;

impl Timings {
    pub fn note(&self, path: &str, template: &str, took: Duration, bytes: usize) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.pages.len() >= MOST && !noted.pages.contains_key(path) {
            noted.pages.clear();
        }
        let Noted { pages, templates } = &mut *noted;
        for (map, name) in [(pages, path), (templates, template)] {
            if !map.contains_key(name) {
                map.insert(name.to_owned(), Timing::default());
            }
            if let Some(timing) = map.get_mut(name) {
                timing.times += 1;
                timing.total += took;
                (timing.last, timing.bytes) = (took, bytes);
            }
        }
    }

    /// By path.
    pub fn pages(&self) -> BTreeMap<String, Timing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pages.clone()
    }

    /// By name.
    pub fn templates(&self) -> BTreeMap<String, Timing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).templates.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_bounded() {
        let timings = Timings::default();
        for number in 0..=MOST {
            timings.note(&format!("/{number}/"), "t.html", Duration::from_millis(2), 10);
        }
        assert_eq!(timings.pages().len(), 1);
        let template = timings.templates()["t.html"];
        assert_eq!((template.times as usize, template.bytes), (MOST + 1, 10));
    }
}
