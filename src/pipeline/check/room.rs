//! How much room the free plans leave, from real sizes.

use serde::Serialize;
use serde_json::Value;

use super::transfer::Transfer;
use super::{Code, Finding, Level};
use crate::config::Config;
use crate::db::check::Sizes;
use crate::source::{Row, Trial};

const MB: u64 = 1_000_000;
const GB: u64 = 1000 * MB;

/// Supabase's free plan.
const DATABASE: u64 = 500 * MB;
const STORAGE: u64 = GB;
const EGRESS: u64 = 5 * GB;

/// From here on room is said to be scarce, in percent.
const SCARCE: u64 = 80;

/// Ten builds a day.
const BUILDS: u64 = 300;

/// A hundred first visits a day.
const VISITS: u64 = 3000;

/// Sizes and limits in bytes; null where a size is not known.
#[derive(Debug, Clone, Serialize)]
pub struct Room {
    pub database: Option<Usage>,
    pub storage: Option<Usage>,
    pub reads: Reads,
    pub transfer: Option<Transfer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub bytes: u64,
    pub limit: u64,
}

/// What builds take out of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reads {
    pub bytes_per_build: u64,
    /// A month.
    pub limit: u64,
    pub builds_per_month: Option<u64>,
}

impl Usage {
    pub fn percent(self) -> u64 {
        self.bytes.saturating_mul(100) / self.limit.max(1)
    }
}

impl Room {
    pub fn measure(config: &Config, trial: &Trial, sizes: Sizes) -> Self {
        let usage = |bytes: Option<u64>, limit| bytes.map(|bytes| Usage { bytes, limit });
        Self {
            database: usage(sizes.database, DATABASE),
            storage: usage(sizes.storage, STORAGE),
            reads: Reads::of(bytes(trial)),
            transfer: Transfer::measure(config),
        }
    }

    /// On a server that is not Supabase's the limits are another's, and only worth a note.
    pub fn findings(&self, is_supabase: bool) -> Vec<Finding> {
        let level = if is_supabase { Level::Warning } else { Level::Note };
        let mut findings = Vec::new();
        if let Some(usage) = self.database.filter(|usage| usage.percent() >= SCARCE) {
            let message = full(usage, "database");
            findings.push(
                Finding::new(level, Code::DatabaseRoom, "the database", message)
                    .mend("see what is large (select relname, pg_total_relation_size(oid) from pg_class order by 2 desc limit 10), delete what nobody needs, then vacuum full it"),
            );
        }
        if let Some(usage) = self.storage.filter(|usage| usage.percent() >= SCARCE) {
            let message = full(usage, "storage");
            findings.push(Finding::new(level, Code::StorageRoom, "the storage", message).mend(
                "run `frieze images --optimize-storage`, and delete files that nothing names",
            ));
        }
        if let Some(builds) = self.reads.builds_per_month.filter(|builds| *builds < BUILDS) {
            let message = format!(
                "a build reads {} bytes: 5 GB a month is enough for {builds} builds only",
                self.reads.bytes_per_build
            );
            findings.push(
                Finding::new(level, Code::ReadRoom, "reading", message)
                    .mend("build less often, or let collections leave out columns that no page shows (query instead of table)"),
            );
        }
        if let Some(transfer) = self.transfer.as_ref().filter(|it| it.visits_per_month < VISITS) {
            let message = format!(
                "a first visit takes {} bytes: 100 GB a month is enough for {} visits only",
                transfer.bytes_per_visit, transfer.visits_per_month
            );
            findings.push(
                Finding::warning(Code::TransferRoom, "the host", message).mend(
                    "show fewer or smaller images on a page, or choose a lower images.quality",
                ),
            );
        }
        findings
    }
}

fn full(usage: Usage, what: &str) -> String {
    let (percent, plan) = (usage.percent(), usage.limit / MB);
    format!("{percent} % of the free plan's {plan} MB of {what} are used ({} bytes)", usage.bytes)
}

impl Reads {
    fn of(bytes_per_build: u64) -> Self {
        let builds_per_month = EGRESS.checked_div(bytes_per_build);
        Self { bytes_per_build, limit: EGRESS, builds_per_month }
    }
}

/// What a build reads, as text on its way.
fn bytes(trial: &Trial) -> u64 {
    let rows = trial.collections.values().flatten().flatten().map(row);
    let layouts = trial.layouts.iter().flatten().flatten().map(|layout| value(&layout.json));
    rows.chain(layouts).sum()
}

fn row(row: &Row) -> u64 {
    let far: u64 = row.far.iter().map(|(_, text)| text.bytes()).sum();
    far + row.fields.values().map(value).sum::<u64>()
}

fn value(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::String(text) => text.len() as u64,
        other => other.to_string().len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(database: u64, storage: u64, reads: u64) -> Room {
        Room {
            database: Some(Usage { bytes: database, limit: DATABASE }),
            storage: Some(Usage { bytes: storage, limit: STORAGE }),
            reads: Reads::of(reads),
            transfer: None,
        }
    }

    fn codes(room: &Room) -> Vec<&'static str> {
        room.findings(true).iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn scarce_room_is_found_and_plenty_is_not() {
        assert!(codes(&room(399 * MB, 799 * MB, 16 * MB)).is_empty());
        assert_eq!(codes(&room(400 * MB, 0, 0)), ["database-room"]);
        assert_eq!(codes(&room(0, 800 * MB, 0)), ["storage-room"]);
        assert_eq!(codes(&room(0, 0, 17 * MB)), ["read-room"]);
    }

    #[test]
    fn elsewhere_scarce_room_is_a_note() {
        let findings = room(600 * MB, 0, 0).findings(false);
        assert_eq!(findings[0].level, Level::Note);
        assert!(findings[0].message.starts_with("120 % of the free plan's 500 MB"), "{findings:?}");
    }

    #[test]
    fn visits_that_weigh_too_much_are_found() {
        let transfer = Transfer {
            pages: 1,
            bytes_per_visit: 50 * MB,
            limit: 100 * GB,
            visits_per_month: 2000,
        };
        let room = Room { transfer: Some(transfer), ..room(0, 0, 0) };
        assert_eq!(codes(&room), ["transfer-room"]);
    }
}
