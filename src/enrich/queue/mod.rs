//! The queue: tasks are added, claimed, put back and rescued, in SQL. The only clock is the
//! database's.
//!
//! Each statement runs in a transaction of its own: a pooler may lend another connection for the
//! next, and the driver prepares a statement before it runs it.

mod add;
mod change;
mod claim;
mod due;
mod find;
mod list;
mod rescue;
mod show;
mod stats;

pub use self::add::{Added, NewTask, add, add_many};
pub use self::change::{Retried, cancel, cancel_pending, retry, retry_failed};
pub use self::claim::{Ask, CLAIM, CLAIM_TYPE, claim, due, sort};
pub use self::due::is_any_due;
pub use self::find::find;
pub use self::list::{Counts, Filter, Listed, Status, counts, list, waits_for};
pub use self::rescue::{Rescued, rescue};
pub use self::show::{CallMade, Details, Written, show};
pub use self::stats::{Overview, Since, Stats, stats};

/// How long a task waits after an attempt that failed: 5 s, doubled with each, 10 minutes at most.
/// Half of it is left to chance, so that what failed together does not come back together.
pub(super) const BACKOFF: &str = "make_interval(secs => \
     least(600, 5 * power(2, least(t.attempts, 30) - 1)) * (0.5 + random() / 2))";
