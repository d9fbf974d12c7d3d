//! Pages, in parallel: each is taken over from the last build where its inputs are the same, and
//! otherwise rendered and written at once. Those that show a new image wait until it is made.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::outputs::Outputs;
use super::report::{Heaviest, Observer};
use crate::assets::images::{Variant, Works};
use crate::error::{Error, Result};
use crate::model::{Page, Site};
use crate::publish::Stage;
use crate::render::{Keys, Renderer};

/// What is known of all pages once they are done.
#[derive(Debug, Default)]
pub struct Done {
    /// What they ask of the rest of the site: see [`Rendered::needs`](crate::render::Rendered).
    pub needs: BTreeSet<String>,
    pub heaviest: Option<Heaviest>,
    pub reused: usize,
    /// Pages that show an image which has still to be made, by their position.
    pending: Vec<usize>,
}

impl Done {
    fn one(page: &Page, bytes: u64, needs: Vec<String>, reused: bool) -> Self {
        Self {
            needs: needs.into_iter().collect(),
            heaviest: Some(Heaviest { path: page.path.clone(), bytes }),
            reused: usize::from(reused),
            pending: Vec::new(),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.needs.extend(other.needs);
        self.reused += other.reused;
        self.pending.extend(other.pending);
        // Of two equally heavy pages the one that comes first in the alphabet: the same each time.
        let rank = |page: &Heaviest| (page.bytes, std::cmp::Reverse(page.path.clone()));
        self.heaviest = self.heaviest.into_iter().chain(other.heaviest).max_by_key(rank);
        self
    }
}

/// A site's pages on their way.
pub struct Pages<'a> {
    site: &'a Site,
    keys: &'a Keys<'a>,
    stage: &'a Stage,
    works: &'a Works,
    observer: &'a dyn Observer,
    /// No page is taken over from the last build.
    anew: bool,
    waiting: Vec<usize>,
    done: Done,
}

impl<'a> Pages<'a> {
    pub fn new(
        site: &'a Site,
        keys: &'a Keys<'a>,
        stage: &'a Stage,
        works: &'a Works,
        observer: &'a dyn Observer,
        anew: bool,
    ) -> Self {
        observer.pages(site.pages.len() as u64);
        let waiting = (0..site.pages.len()).collect();
        Self { site, keys, stage, works, observer, anew, waiting, done: Done::default() }
    }

    /// Renders what is not done yet.
    pub fn render(&mut self, renderer: &Renderer<'_>) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let done = waiting.par_iter().map(|page| self.one(*page, renderer));
        let mut done = done.try_reduce(Done::default, |a, b| Ok(a.and(b)))?;
        self.waiting = std::mem::take(&mut done.pending);
        self.done = std::mem::take(&mut self.done).and(done);
        Ok(())
    }

    pub fn are_pending(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub fn done(self) -> Result<Done> {
        if let Some(page) = self.waiting.first().and_then(|page| self.site.pages.get(*page)) {
            return Err(Error::other(format!("the images of {} were not made", page.label()))
                .help("something else cleared the cache meanwhile: build again"));
        }
        Ok(self.done)
    }

    fn one(&self, index: usize, renderer: &Renderer<'_>) -> Result<Done> {
        let page = &self.site.pages[index];
        let (file, key) = (Outputs::file(&page.path), self.keys.page(page));
        // With placeholders for what is missing, every build says again what that is.
        let reused = if self.anew { None } else { self.stage.reuse(&file, key) };
        if let Some(reused) = reused {
            self.observer.page();
            return Ok(Done::one(page, reused.len, reused.extra, true));
        }
        let rendered = renderer.page(page)?;
        let variants = rendered.needs.iter().filter_map(|need| variant(need));
        variants.for_each(|variant| self.works.request(&variant));
        if rendered.pending {
            return Ok(Done { pending: vec![index], ..Done::default() });
        }
        let bytes = rendered.html.len() as u64;
        self.stage.write(&file, Some(key), &rendered.html, rendered.needs.clone())?;
        self.observer.page();
        Ok(Done::one(page, bytes, rendered.needs, false))
    }
}

/// The image variant that a need names, if it names one.
pub fn variant(need: &str) -> Option<Variant> {
    serde_json::from_str(need.strip_prefix("image ")?).ok()
}
