//! When to look at a file that something happened to.

use std::fs::Metadata;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use notify::event::{AccessKind, AccessMode, CreateKind, EventKind, ModifyKind, RemoveKind};

/// After a file is closed, for others that are saved with it.
pub const CLOSED: Duration = Duration::from_millis(2);
/// After a file is written to and not closed, as far as is known. Where the system tells of closing,
/// that comes; elsewhere the file is looked at until it stays as it is.
const WRITTEN: Duration = Duration::from_millis(if cfg!(target_os = "linux") { 40 } else { 10 });
/// For a file of which nothing is told, until it stays as it is.
const SETTLED: Duration = Duration::from_millis(10);
/// The same for one that is empty.
const EMPTY: Duration = Duration::from_millis(60);
/// For a file that is gone.
const GONE: Duration = Duration::from_millis(80);
/// For a file that is named as those are that editors make for a moment.
const PASSING: Duration = Duration::from_millis(150);

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Closed,
    Written,
    /// Its rights or times are others, or something else beside what it holds.
    Marked,
    /// It was found.
    Found,
    /// It went, and has its time to come back.
    Gone,
}

impl Why {
    /// None where nothing happened to it.
    pub fn of(kind: EventKind) -> Option<Self> {
        match kind {
            EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Modify(ModifyKind::Name(_))
            | EventKind::Create(CreateKind::Folder) => Some(Self::Closed),
            EventKind::Access(_) => None,
            EventKind::Remove(RemoveKind::File | RemoveKind::Folder | RemoveKind::Any) => {
                Some(Self::Gone)
            }
            EventKind::Modify(ModifyKind::Metadata(_)) => Some(Self::Marked),
            _ => Some(Self::Written),
        }
    }
}

/// When to look at a path.
pub struct Due {
    pub at: Instant,
    pub missed: bool,
    /// Its size and time, where it has to be the same when it is looked at.
    stamp: Option<Stamp>,
}

type Stamp = (u64, Option<SystemTime>);

impl Due {
    pub fn new(path: &Path, why: Why) -> Self {
        let after = match why {
            Why::Closed => CLOSED,
            Why::Written | Why::Marked => WRITTEN,
            Why::Found => SETTLED,
            Why::Gone => GONE,
        };
        let waits = matches!(why, Why::Written | Why::Marked | Why::Found);
        let stamp = waits.then(|| path.metadata().ok().map(|it| stamp(&it))).flatten();
        // One without anything in it is most likely still to be written.
        let after = if stamp.is_some_and(|(size, _)| size == 0) { after.max(EMPTY) } else { after };
        let after = if is_passing(path) { after.max(PASSING) } else { after };
        Self { at: Instant::now() + after, missed: why == Why::Gone, stamp }
    }

    /// Whether a file is as it was a moment ago.
    pub fn is_settled(&self, now: &Metadata) -> bool {
        self.stamp.is_none_or(|before| before == stamp(now))
    }
}

fn stamp(of: &Metadata) -> Stamp {
    (of.len(), of.modified().ok())
}

/// Whether a file is named as those are that editors make for a moment. Those that stay are taken,
/// as a build takes them.
fn is_passing(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    name.starts_with('#')
        || [".tmp", ".swp", ".swx", ".orig", ".bak", "~"].iter().any(|end| name.ends_with(end))
        || name.contains("___jb_")
        // Vim tries whether it may write into a folder.
        || name.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_still_grows_is_not_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.md");
        std::fs::write(&path, "a").unwrap();
        let (written, closed) = (Due::new(&path, Why::Written), Due::new(&path, Why::Closed));
        assert!(written.is_settled(&path.metadata().unwrap()));
        std::fs::write(&path, "a and b").unwrap();
        assert!(!written.is_settled(&path.metadata().unwrap()));
        assert!(closed.is_settled(&path.metadata().unwrap()));
        assert!(written.at > closed.at);
    }

    #[test]
    fn what_editors_leave_for_a_moment_is_given_one() {
        let at = |name: &str| Due::new(Path::new(name), Why::Closed).at;
        let plain = at("a.md");
        for name in ["4913", "a.html~", "#a.md#", "a.md.tmp", "a.html___jb_tmp___"] {
            assert!(at(name) > plain + GONE, "{name}");
        }
    }
}
