//! Rows taken out and put in, with the pages that are theirs and those that list them.

use std::ops::Range;

use super::groups::Change;
use super::index::PageIndex;
use crate::config::{self, Config};
use crate::error::Result;
use crate::model::collection_pages::{group_pages, list_pages, row_page, row_path};
use crate::model::paths::Paths;
use crate::model::{Body, ImageReference, Page, Row, Site, assemble};

/// A row that comes or goes, as far as it was looked at.
struct Plan<'a> {
    config: &'a config::Collection,
    /// The pages that are its collection's.
    pages: Range<usize>,
    /// Where the pages of lists and groups begin, behind those of rows.
    lists: usize,
    groups: Vec<Change>,
    /// The pages of lists and groups, as they will be.
    tail: Vec<Page>,
}

impl Site {
    /// Takes a row out; what it was. None, and nothing done, where the site has to be assembled
    /// anew.
    pub fn take_out(
        &mut self,
        config: &Config,
        index: &mut PageIndex,
        collection: &str,
        row: usize,
    ) -> Result<Option<Row>> {
        let Some(of) = self.collections.get(collection) else { return Ok(None) };
        let Some(config) = config.collections.get(collection) else { return Ok(None) };
        // Without rows a collection is another, and what takes the place of its last may be refused.
        if row >= of.rows.len() || of.rows.len() == 1 {
            return Ok(None);
        }
        let groups = of.groups.iter().map(|index| Change::without(index, row)).collect();
        let Some(plan) = self.plan(config, groups, of.rows.len() - 1)? else { return Ok(None) };
        if !plan.is_free(index, None) {
            return Ok(None);
        }
        let Some(of) = self.collections.get_mut(collection) else { return Ok(None) };
        let taken = of.rows.remove(row);
        for image in assemble::images_of(config, &taken) {
            let same =
                |other: &ImageReference| other.path == image.path && other.place == image.place;
            if let Some(at) = self.images.iter().position(same) {
                self.images.remove(at);
            }
        }
        if config.page.is_some() {
            of.paths.remove(row);
        }
        let of_groups = of.groups.iter_mut().zip(plan.groups);
        of_groups.for_each(|(index, change)| change.apply(index, Some(row), None));
        self.notes_without(collection, row);
        let mut lists = plan.lists;
        if config.page.is_some() {
            let at = plan.pages.start + row;
            let gone = self.pages.remove(at);
            index.replaced(&(at..at + 1), &[gone], &[]);
            lists -= 1;
            self.renumber(at..lists, plan.pages.start);
        }
        let end = plan.pages.end + lists - plan.lists;
        self.list(index, lists..end, plan.tail);
        Ok(Some(taken))
    }

    /// Puts a row in at a position. False, and nothing done, where the site has to be assembled
    /// anew; the row's own faults are then found there.
    pub fn put_in(
        &mut self,
        config: &Config,
        index: &mut PageIndex,
        collection: &str,
        at: usize,
        row: Row,
    ) -> Result<bool> {
        let Some(of) = self.collections.get(collection) else { return Ok(false) };
        let Some(config) = config.collections.get(collection) else { return Ok(false) };
        // What the first row brings, others only follow.
        if at > of.rows.len() || of.rows.is_empty() || of.groups.len() != config.groups.len() {
            return Ok(false);
        }
        let groups = of.groups.iter().zip(&config.groups);
        let groups = groups.map(|(index, group)| Change::with(index, config, group, at, &row));
        let groups = groups.collect::<Result<_>>()?;
        let Some(plan) = self.plan(config, groups, of.rows.len() + 1)? else { return Ok(false) };
        let page = match &config.page {
            Some(page) => {
                let path = row_path(config, &page.path, &row)?;
                Some(row_page(config, page, path, at, &row)?)
            }
            None => None,
        };
        if !plan.is_free(index, page.as_ref()) {
            return Ok(false);
        }
        let Some(of) = self.collections.get_mut(collection) else { return Ok(false) };
        self.images.extend(assemble::images_of(config, &row));
        of.rows.insert(at, row);
        let of_groups = of.groups.iter_mut().zip(plan.groups);
        of_groups.for_each(|(index, change)| change.apply(index, None, Some(at)));
        if let Some(page) = &page {
            of.paths.insert(at, page.path.clone());
        }
        self.notes_with(collection, at);
        let mut lists = plan.lists;
        if let Some(page) = page {
            let place = plan.pages.start + at;
            index.replaced(&(place..place), &[], std::slice::from_ref(&page));
            self.pages.insert(place, page);
            lists += 1;
            self.renumber(place..lists, plan.pages.start);
        }
        let end = plan.pages.end + lists - plan.lists;
        self.list(index, lists..end, plan.tail);
        Ok(true)
    }

    /// What will be, before anything is done.
    fn plan<'a>(
        &self,
        config: &'a config::Collection,
        groups: Vec<Change>,
        count: usize,
    ) -> Result<Option<Plan<'a>>> {
        let Some(of) = self.collections.get(&config.name) else { return Ok(None) };
        let pages = self.pages_of(&config.name);
        let lists = pages.start + of.paths.len();
        if lists > pages.end || (config.page.is_some() && of.paths.len() != of.rows.len()) {
            return Ok(None);
        }
        let mut tail = Vec::with_capacity(pages.end - lists);
        let mut paths = Paths::default();
        if let Some(list) = &config.list {
            list_pages(&mut tail, count, config, list, &mut paths)?;
        }
        for (change, group) in groups.iter().zip(&config.groups) {
            group_pages(&mut tail, &change.groups, config, group, &mut paths)?;
        }
        Ok(Some(Plan { config, pages, lists, groups, tail }))
    }

    /// The pages that a collection brought: they stand side by side.
    fn pages_of(&self, name: &str) -> Range<usize> {
        let is_of = |page: &Page| match &page.body {
            Body::Row { collection, .. }
            | Body::List { collection, .. }
            | Body::Group { collection, .. } => self.collections.get_index_of(collection),
            Body::NotFound => Some(usize::MAX),
            Body::Layout { .. } | Body::Fixed { .. } => None,
        };
        let place = self.collections.get_index_of(name);
        let start = self.pages.partition_point(|page| is_of(page) < place);
        let end = self.pages.partition_point(|page| is_of(page) <= place);
        start..end
    }

    /// Tells pages of rows which row they are of.
    fn renumber(&mut self, pages: Range<usize>, first: usize) {
        let Some(found) = self.pages.get_mut(pages.clone()) else { return };
        for (page, at) in found.iter_mut().zip(pages) {
            if let Body::Row { row, .. } = &mut page.body {
                *row = at - first;
            }
        }
    }

    /// Exchanges the pages of lists and groups.
    fn list(&mut self, index: &mut PageIndex, range: Range<usize>, tail: Vec<Page>) {
        index.replaced(&range, &self.pages[range.clone()], &tail);
        drop(self.pages.splice(range, tail));
    }

    /// What was known of a row goes with it.
    fn notes_without(&mut self, collection: &str, row: usize) {
        for (name, other) in &mut self.collections {
            other.notes.without(row, name == collection, collection);
        }
    }

    /// Of a new row nothing is known yet.
    fn notes_with(&mut self, collection: &str, row: usize) {
        for (name, other) in &mut self.collections {
            other.notes.with(row, name == collection, collection);
        }
    }
}

impl Plan<'_> {
    /// Whether no page of anything else has one of these paths.
    fn is_free(&self, index: &PageIndex, page: Option<&Page>) -> bool {
        let own = |at: usize| (self.lists..self.pages.end).contains(&at);
        let lists = self.tail.iter().all(|page| index.taken(&page.path).is_none_or(own));
        // A list that goes may leave its path, but what comes must not take one that stays.
        let row = page.is_none_or(|page| index.taken(&page.path).is_none());
        let config = self.config;
        let same =
            |other: &Page| page.is_some_and(|page| page.path.eq_ignore_ascii_case(&other.path));
        lists && row && !(config.page.is_some() && self.tail.iter().any(same))
    }
}
