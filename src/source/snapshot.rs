//! What a read leaves for the day the database is away: the rows as they came, compressed, in one
//! file with a checksum. It holds nothing that the reading role may not see.

pub(super) mod frames;
mod load;
mod record;

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use load::{about, load};
pub use record::{Recorder, Recording};

use super::cells::Column;
use crate::config::{Collection, Config};
use crate::error::Error;

/// The first bytes of the file; the last of them is the format's number.
const MAGIC: &[u8; 16] = b"frieze snapshot1";

/// Where the snapshot of the site in `root` lies: in the cache folder, which it may share with
/// other sites if it is outside of the site's own.
pub fn path(cache: &Path, root: &Path) -> PathBuf {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let (within, root) = (real(cache), real(root));
    if within.starts_with(&root) {
        return cache.join("snapshot");
    }
    let hash = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
    cache.join(format!("snapshot-{}", &hash[..16]))
}

/// Where what was found by vectors lies: beside the snapshot.
pub fn vectors(snapshot: &Path) -> PathBuf {
    let name = snapshot.file_name().unwrap_or_default().to_string_lossy();
    snapshot.with_file_name(name.replacen("snapshot", "vectors", 1))
}

/// Where rows came from, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The server and the database; no user, no password.
    pub place: String,
    /// The role that read.
    pub role: String,
    pub taken_at: DateTime<Utc>,
}

impl Origin {
    pub fn now(place: String, role: &str) -> Self {
        Self { place, role: role.to_owned(), taken_at: Utc::now() }
    }

    /// The time as people write it, to the second.
    pub fn time(&self) -> String {
        self.taken_at.to_rfc3339_opts(SecondsFormat::Secs, true)
    }
}

/// What a snapshot says of itself, at its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    #[serde(flatten)]
    pub origin: Origin,
    /// Rows by collection.
    pub rows: IndexMap<String, usize>,
    /// How many pages the site made from it had.
    pub pages: usize,
}

/// The beginning of a collection's rows.
#[derive(Debug, Serialize, Deserialize)]
struct Start {
    name: String,
    definition: String,
    columns: Vec<Column>,
}

/// The table that layouts came from, if the site has any, and the layouts.
#[derive(Debug, Serialize, Deserialize)]
struct Layouts {
    table: Option<String>,
    rows: Vec<super::layouts::Stored>,
}

/// What decides which rows a collection has, and in which order: its table or its query.
fn definition(collection: &Collection) -> String {
    let facts = format!("{:?} {:?}", collection.from, collection.order_by);
    blake3::hash(facts.as_bytes()).to_hex().to_string()
}

/// Rows are only of use to the configuration they were read for.
fn outdated(config: &Config, what: &str) -> Error {
    Error::config(format!("the last snapshot {what}")).help(format!(
        "build once with the database at hand (set {}), which leaves a new snapshot",
        config.database.url_env
    ))
}

#[cfg(test)]
mod tests;
