//! Where each page of a site is, by its path.

use std::collections::HashMap;
use std::ops::Range;

use crate::model::slug;
use crate::model::{Page, Site};

/// Positions of pages by their paths, folded: as no two may differ only by case or form.
#[derive(Debug, Default)]
pub struct PageIndex(HashMap<String, usize>);

impl PageIndex {
    pub fn new(site: &Site) -> Self {
        let pages = site.pages.iter().enumerate();
        Self(pages.map(|(at, page)| (slug::folded(&page.path), at)).collect())
    }

    /// The position of the page of exactly this path.
    pub fn find(&self, site: &Site, path: &str) -> Option<usize> {
        let at = self.taken(path)?;
        site.pages.get(at).filter(|page| page.path == path).map(|_| at)
    }

    /// The position of the page for which nothing else may have this path.
    pub(super) fn taken(&self, path: &str) -> Option<usize> {
        self.0.get(&slug::folded(path)).copied()
    }

    /// Pages of a range went, and others came in their place.
    pub(super) fn replaced(&mut self, range: &Range<usize>, old: &[Page], new: &[Page]) {
        for page in old {
            self.0.remove(&slug::folded(&page.path));
        }
        if old.len() != new.len() {
            let later = self.0.values_mut().filter(|at| **at >= range.end);
            later.for_each(|at| *at = *at + new.len() - old.len());
        }
        let places = new.iter().zip(range.start..);
        self.0.extend(places.map(|(page, at)| (slug::folded(&page.path), at)));
    }
}
