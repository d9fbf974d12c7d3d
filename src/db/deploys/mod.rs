//! Redeploying, as far as the database does it: triggers that note changes, the job that calls the
//! deploy hook, and what builds say of themselves. The functions are those of the kit "redeploy".

mod builds;
mod calls;
mod course;
mod extensions;
mod install;
mod marks;
mod reads;
mod settle;
mod status;
mod watch;

pub use builds::{Build, Outcome, begin, finish};
pub use course::{Course, course, why_blind};
pub use extensions::Extension;
pub use install::{Installed, Removed, install, refuse_embedded, remove};
pub use marks::{Seen, consume, pending, seen};
pub use reads::{Reads, Unwatched, Watched};
pub use settle::Kept;
pub use status::{BuildRow, Deploy, Pending, Settings, Status, status};

/// The migrations that this needs: roles and functions, the bookkeeping, and the kit itself.
const NEEDED: [i64; 3] = [20_260_101_000_100, 20_260_101_000_400, KIT];
const KIT: i64 = 20_260_101_000_600;

/// The name of the job.
const JOB: &str = "frieze-redeploy";
