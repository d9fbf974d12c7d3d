//! When an entry was last used: the time its file was modified.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_OMIT, utimensat};

/// How far a shared folder's clock may be ahead. A mark from beyond says nothing.
const AHEAD: Duration = Duration::from_hours(1);

#[derive(Debug)]
pub struct Marks {
    opened: SystemTime,
}

impl Marks {
    pub fn new() -> Self {
        Self { opened: SystemTime::now() }
    }

    #[cfg(test)]
    pub fn opened_at(opened: SystemTime) -> Self {
        Self { opened }
    }

    /// Marks a file as used now. It costs nothing more than the look at it where the file was
    /// marked since the store was opened.
    pub fn renew(&self, path: &Path, seen: &Metadata) {
        if seen.modified().is_ok_and(|mark| self.is_fresh(mark)) {
            return;
        }
        // A store that cannot be written to can still be read.
        if let Ok(now) = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
            let _ = utimensat(CWD, path, &timestamps(now), AtFlags::empty());
        }
    }

    /// Whether a mark says that its entry was used since the store was opened.
    pub fn is_fresh(&self, mark: SystemTime) -> bool {
        mark >= self.opened && is_possible(mark)
    }

    /// What to order entries by, the least recently used first.
    pub fn rank(mark: SystemTime) -> SystemTime {
        if is_possible(mark) { mark } else { SystemTime::UNIX_EPOCH }
    }
}

fn is_possible(mark: SystemTime) -> bool {
    mark.duration_since(SystemTime::now()).map_or(true, |ahead| ahead < AHEAD)
}

fn timestamps(now: Duration) -> Timestamps {
    let used = Timespec {
        tv_sec: i64::try_from(now.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: now.subsec_nanos().into(),
    };
    Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, last_modification: used }
}
