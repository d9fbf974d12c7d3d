//! A site that is suddenly less than half of what it was is more likely to be a mistake, such as a
//! lost policy or the wrong database, than what its owner wants.

use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::Site;
use crate::publish::Stage;
use crate::source::snapshot::About;

const HELP: &str = "the site that is published stays; `frieze db check` looks for a policy that was lost; if this is what you want, say --allow-shrink (or FRIEZE_ALLOW_SHRINK=1) once";

/// Compares pages with the published site and with the last one made from this database, and rows
/// with those of its last read.
pub fn refuse(config: &Config, site: &Site, stage: &Stage, former: Option<&About>) -> Result<()> {
    if config.build.allow_shrink {
        return Ok(());
    }
    let published = stage.published_pages()?;
    let pages = published.max(former.map_or(0, |former| former.pages));
    if is_less_than_half(site.pages.len(), pages) {
        return Err(shrunk(pages, site.pages.len(), "pages", &losses(site, former)));
    }
    let Some(former) = former else { return Ok(()) };
    let rows = site.collections.values().map(|collection| collection.rows.len()).sum();
    // Collections that the configuration no longer has are nobody's loss.
    let kept = former.rows.iter().filter(|(name, _)| site.collections.contains_key(*name));
    let before = kept.map(|(_, rows)| rows).sum();
    if is_less_than_half(rows, before) {
        return Err(shrunk(before, rows, "rows", &losses(site, Some(former))));
    }
    Ok(())
}

fn is_less_than_half(now: usize, before: usize) -> bool {
    now * 2 < before
}

fn shrunk(before: usize, now: usize, what: &str, losses: &str) -> Error {
    Error::content(format!("the site would shrink from {before} {what} to {now}{losses}"))
        .help(HELP)
}

/// Which collections lost rows, as in ": projects 12 → 0".
fn losses(site: &Site, former: Option<&About>) -> String {
    let former = former.into_iter().flat_map(|former| &former.rows);
    let lost = former.filter_map(|(name, before)| {
        let now = site.collections.get(name)?.rows.len();
        (now < *before).then(|| format!("{name} {before} → {now}"))
    });
    let lost: Vec<String> = lost.collect();
    if lost.is_empty() { String::new() } else { format!(": {}", lost.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::is_less_than_half;

    #[test]
    fn half_is_enough() {
        assert!(!is_less_than_half(5, 10));
        assert!(is_less_than_half(4, 10));
        assert!(is_less_than_half(0, 1));
        assert!(!is_less_than_half(0, 0));
        assert!(is_less_than_half(1, 3));
    }
}
