//! What somebody may have meant who asked for a page that is not there.

use crate::pipeline::live::Live;

/// So many are offered.
const MOST: usize = 6;

/// Paths of pages that are like this one, the likest first.
pub fn paths(live: &Live, path: &str) -> Vec<String> {
    let wanted = path.trim_matches('/').to_lowercase();
    let last = wanted.rsplit('/').next().unwrap_or_default();
    let pages = live.site().pages.iter().map(|page| page.path.as_str());
    let scored = pages.filter(|page| *page != "/404.html").filter_map(|page| {
        let known = page.trim_matches('/').to_lowercase();
        let end = known.rsplit('/').next().unwrap_or_default();
        let whole = strsim::normalized_damerau_levenshtein(&wanted, &known);
        let ends = strsim::normalized_damerau_levenshtein(last, end) * 0.9;
        let holds = !last.is_empty() && last.len() > 2 && known.contains(last);
        let score = whole.max(ends).max(if holds { 0.6 } else { 0.0 });
        (score >= 0.5).then_some((score, page))
    });
    let mut scored: Vec<_> = scored.collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(MOST).map(|(_, page)| page.to_owned()).collect()
}
