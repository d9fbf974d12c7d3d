//! Pages, in parallel: each is taken over from the last build where its inputs are the same, and
//! otherwise rendered and written at once.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::outputs::Outputs;
use super::report::{Heaviest, Observer};
use crate::error::Result;
use crate::model::{Page, Site};
use crate::publish::Stage;
use crate::render::{Keys, Renderer};

/// What is known of all pages once they are done.
#[derive(Debug, Default)]
pub struct Pages {
    /// What they ask of the rest of the site: see [`Rendered::needs`](crate::render::Rendered).
    pub needs: BTreeSet<String>,
    pub heaviest: Option<Heaviest>,
    pub reused: usize,
}

impl Pages {
    fn one(page: &Page, bytes: u64, needs: Vec<String>, reused: bool) -> Self {
        Self {
            needs: needs.into_iter().collect(),
            heaviest: Some(Heaviest { path: page.path.clone(), bytes }),
            reused: usize::from(reused),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.needs.extend(other.needs);
        self.reused += other.reused;
        // Of two equally heavy pages the one that comes first in the alphabet: the same each time.
        let rank = |page: &Heaviest| (page.bytes, std::cmp::Reverse(page.path.clone()));
        self.heaviest = self.heaviest.into_iter().chain(other.heaviest).max_by_key(rank);
        self
    }
}

pub fn render(
    site: &Site,
    renderer: &Renderer<'_>,
    keys: &Keys<'_>,
    stage: &Stage,
    observer: &dyn Observer,
) -> Result<Pages> {
    observer.pages(site.pages.len() as u64);
    site.pages
        .par_iter()
        .map(|page| {
            let done = one(page, renderer, keys, stage);
            observer.page();
            done
        })
        .try_reduce(Pages::default, |a, b| Ok(a.and(b)))
}

fn one(page: &Page, renderer: &Renderer<'_>, keys: &Keys<'_>, stage: &Stage) -> Result<Pages> {
    let (file, key) = (Outputs::file(&page.path), keys.page(page));
    if let Some(reused) = stage.reuse(&file, key) {
        return Ok(Pages::one(page, reused.len, reused.extra, true));
    }
    let rendered = renderer.page(page)?;
    stage.write(&file, Some(key), &rendered.html, rendered.needs.clone())?;
    Ok(Pages::one(page, rendered.html.len() as u64, rendered.needs, false))
}
