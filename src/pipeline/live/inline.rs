//! The inline scripts and styles of all pages: the policy that every answer carries names them, as
//! the one of a build does. Pages that are alike hold the same ones, so one of each is looked at;
//! where templates make them of data, every page is.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::{Body, Page, Section};
use crate::theme::Theme;

/// So many pages are looked for before others have their turn.
const AT_ONCE: usize = 256;

#[derive(Debug, Default)]
pub struct Inline(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// What a page holds, by its path or by what it is like.
    pages: HashMap<String, Vec<String>>,
    /// How many of those hold a source.
    sources: BTreeMap<String, usize>,
    /// Pages that are alike may hold others.
    varies: bool,
    /// Some page may not have been looked at.
    incomplete: bool,
}

impl Inline {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything: the templates are others.
    pub fn begin(&self, theme: &Theme) {
        let varies = theme.templates.iter().any(|(name, it)| varies(name, &it.text, theme));
        let now = Known { varies, incomplete: true, ..Known::default() };
        let former = std::mem::replace(&mut *self.lock(), now);
        // Nobody waits for that.
        drop(former);
    }

    /// Pages came or went, or hold other rows.
    pub fn moved(&self) {
        let mut known = self.lock();
        known.incomplete = true;
        if known.varies {
            (known.pages, known.sources) = Default::default();
        }
    }

    /// A row is another: its page is, and all that are of more than one row may be.
    pub fn changed(&self, pages: &[Page], of_row: Option<&Page>) {
        if !self.lock().varies {
            return;
        }
        let others = pages.iter().filter(|page| !matches!(page.body, Body::Row { .. }));
        let paths: Vec<&str> = others.chain(of_row).map(|page| page.path.as_str()).collect();
        let mut known = self.lock();
        known.incomplete = true;
        for path in paths {
            known.forget(path);
        }
    }

    /// Notes what a page asks of the site; `draft` is the version of its layout, if not its own.
    pub fn learn(&self, page: &Page, draft: Option<i32>, needs: &[String]) {
        let is_source =
            |need: &&String| need.starts_with("script-src") || need.starts_with("style-src");
        let sources: Vec<String> = needs.iter().filter(is_source).cloned().collect();
        let mut known = self.lock();
        let key = known.key(page, draft);
        if known.pages.get(&key) == Some(&sources) {
            return;
        }
        if !known.varies && known.pages.contains_key(&key) {
            // They looked alike, and are not.
            *known = Known { varies: true, incomplete: true, ..Known::default() };
        }
        let key = known.key(page, draft);
        known.forget(&key);
        for source in &sources {
            *known.sources.entry(source.clone()).or_default() += 1;
        }
        known.pages.insert(key, sources);
    }

    pub fn sources(&self) -> BTreeSet<String> {
        self.lock().sources.keys().cloned().collect()
    }

    /// The pages to look at, and what is known of pages that are gone forgotten. Whoever asks for a
    /// page meanwhile does not wait until all pages are looked through.
    pub fn unknown(&self, pages: &[Page]) -> Vec<String> {
        let varies = {
            let mut known = self.lock();
            if !std::mem::take(&mut known.incomplete) {
                return Vec::new();
            }
            known.varies
        };
        let present = if varies { all(pages) } else { alike(pages) };
        let (mut unknown, mut held) = (Vec::new(), 0);
        for some in present.chunks(AT_ONCE) {
            let known = self.lock();
            if known.varies != varies {
                drop(known);
                return self.unknown(pages);
            }
            let news = some.iter().filter(|(key, _)| !known.pages.contains_key(key.as_ref()));
            let before = unknown.len();
            unknown.extend(news.map(|(_, page)| page.path.clone()));
            held += some.len() + before - unknown.len();
        }
        self.forget_all_but(&present, held);
        unknown
    }

    /// Forgets what is known of other pages than these, of which so many are known.
    fn forget_all_but(&self, present: &[(Cow<'_, str>, &Page)], held: usize) {
        if self.lock().pages.len() <= held {
            return;
        }
        let present: HashSet<&str> = present.iter().map(|(key, _)| key.as_ref()).collect();
        let mut known = self.lock();
        let gone = known.pages.keys().filter(|key| !present.contains(key.as_str()));
        for key in gone.cloned().collect::<Vec<_>>() {
            known.forget(&key);
        }
    }

    /// Those pages were not all looked at.
    pub fn interrupted(&self) {
        self.lock().incomplete = true;
    }
}

impl Known {
    fn key(&self, page: &Page, draft: Option<i32>) -> String {
        match draft {
            Some(version) if self.varies => format!("{}?draft={version}", page.path),
            None if self.varies => page.path.clone(),
            _ => likeness(page),
        }
    }

    fn forget(&mut self, key: &str) {
        for source in self.pages.remove(key).unwrap_or_default() {
            if let Some(times) = self.sources.get_mut(&source) {
                *times -= 1;
                if *times == 0 {
                    self.sources.remove(&source);
                }
            }
        }
    }
}

/// One page of each that are alike, with what they have in common.
pub fn alike(pages: &[Page]) -> Vec<(Cow<'_, str>, &Page)> {
    let (mut seen, mut former, mut found) = (HashSet::new(), None::<&Page>, Vec::new());
    for page in pages {
        // Most stand beside those that they are like.
        let is_layout = matches!(page.body, Body::Layout { .. });
        let same = |it: &Page| it.template == page.template && it.kind() == page.kind();
        if !is_layout && former.is_some_and(same) {
            continue;
        }
        former = Some(page);
        let key = likeness(page);
        if seen.insert(key.clone()) {
            found.push((Cow::Owned(key), page));
        }
    }
    found
}

/// Each page, with its path.
fn all(pages: &[Page]) -> Vec<(Cow<'_, str>, &Page)> {
    pages.iter().map(|page| (Cow::Borrowed(page.path.as_str()), page)).collect()
}

/// What pages have in common that are made by the same templates.
fn likeness(page: &Page) -> String {
    let mut like = format!("{} {}", page.kind(), page.template);
    if let Body::Layout { sections, .. } = &page.body {
        let mut kinds = BTreeSet::new();
        collect(sections, &mut kinds);
        for kind in kinds {
            like.extend([" ", kind]);
        }
    }
    like
}

fn collect<'a>(sections: &'a [Section], kinds: &mut BTreeSet<&'a str>) {
    for section in sections {
        kinds.insert(&section.kind);
        section.slots.values().for_each(|slot| collect(slot, kinds));
    }
}

/// Whether a template holds a script or style that not all pages made by it may hold, or not the
/// same: one made of data, under a condition, or in a part that pages may use or not.
fn varies(name: &str, text: &str, theme: &Theme) -> bool {
    let is_whole = name.starts_with("pages/") || name.starts_with("sections/");
    let is_base = || {
        let extends = format!("extends \"{name}\"");
        theme.templates.values().any(|other| other.text.contains(&extends))
    };
    let mut inline = inline(text).peekable();
    inline.peek().is_some()
        && (!(is_whole || is_base())
            || inline.any(|(before, body)| {
                body.contains("{{") || body.contains("{%") || depth(before) > 0
            }))
}

/// Each inline script or style that a browser runs: what stands before it, and what it holds.
fn inline(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let opens = text.match_indices("<script").chain(text.match_indices("<style"));
    opens.filter_map(|(at, open)| {
        let rest = &text[at + open.len()..];
        let (attributes, rest) = rest.split_once('>')?;
        let close = open.replacen('<', "</", 1);
        let body = &rest[..rest.find(&close).unwrap_or(rest.len())];
        (!body.is_empty() && !attributes.contains("json")).then_some((&text[..at], body))
    })
}

/// How many conditions and loops are open at the end of a text.
fn depth(text: &str) -> usize {
    text.split("{%").skip(1).fold(0_usize, |depth, tag| {
        match tag.trim_start_matches('-').split_whitespace().next() {
            Some("if" | "for") => depth + 1,
            Some("endif" | "endfor") => depth.saturating_sub(1),
            _ => depth,
        }
    })
}

#[cfg(test)]
mod tests;
