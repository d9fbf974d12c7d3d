//! Images that rows name by URL: the build downloads them, so that no reader's browser has to.
//! What may be fetched is decided by name (`rules`) and by network address (`guard`).

mod answer;
mod client;
mod copy;
mod failure;
mod fetcher;
mod guard;
mod hosts;
mod redirect;
mod refusal;
mod resolver;
mod retry;
mod rules;
mod shown;
mod sniff;
mod turns;

#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures_util::future::join_all;

pub use rules::Rules;

use crate::cache::{Cache, Key};
use crate::error::{Error, Result};
use fetcher::Fetcher;
use resolver::Lookup;

/// An image that lies in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where the cache keeps its content: the hash of it.
    pub key: Key,
    pub bytes: u64,
    /// Whether it came over the network this time.
    pub downloaded: bool,
    /// Why an older copy had to do.
    pub warning: Option<String>,
}

/// What differs between a build and a test of this room.
struct Setting {
    lookup: Lookup,
    /// The wait before the second try; the next one is longer.
    delay: Duration,
}

impl Default for Setting {
    fn default() -> Self {
        Self { lookup: resolver::system(), delay: Duration::from_millis(500) }
    }
}

/// Fetches all, at most 8 at a time and 4 from one host; one result per URL, in order. A URL that is
/// named twice is asked for twice. Blocks, and must not be called from asynchronous code.
pub fn fetch_all(rules: &Rules, urls: &[String], cache: &Cache) -> Result<Vec<Result<Fetched>>> {
    fetch_in(Setting::default(), rules, urls, cache)
}

fn fetch_in(
    setting: Setting,
    rules: &Rules,
    urls: &[String],
    cache: &Cache,
) -> Result<Vec<Result<Fetched>>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::other("cannot start the runtime for downloads").because(error))?;
    let fetcher = Fetcher::new(setting, rules, cache);
    let results = runtime.block_on(join_all(urls.iter().map(|url| fetcher.fetch(url))));
    // A name that is still being looked up after its time was over is not waited for.
    runtime.shutdown_background();
    Ok(results)
}
