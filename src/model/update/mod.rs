//! Rows exchanged, taken out and put in where they stand, so that a change costs what hangs on it.
//! The site is afterwards what assembling it anew would have made; where that cannot be had in this
//! way, nothing is done.

mod groups;
mod index;
mod layouts;
mod place;
#[cfg(test)]
mod tests;

pub use index::PageIndex;

use super::collection_pages::{self, row_path};
use super::{Body, Row, Site};
use crate::config::Config;
use crate::error::Result;

impl Site {
    /// Puts a row in the place of another version of it. `page` is the position of its page.
    /// False, and nothing done, where more depends on the row than itself: its path or its groups
    /// change, or the images it names; it is then to be taken out and put in.
    pub fn exchange(
        &mut self,
        config: &Config,
        collection: &str,
        index: usize,
        page: Option<usize>,
        row: Row,
    ) -> Result<bool> {
        let Some(config) = config.collections.get(collection) else { return Ok(false) };
        let Some(of) = self.collections.get_mut(collection) else { return Ok(false) };
        let Some(former) = of.rows.get(index) else { return Ok(false) };
        let columns = config.groups.iter().map(|group| &group.by).chain(&config.images);
        for column in columns {
            if former.field(column)? != row.field(column)? {
                return Ok(false);
            }
        }
        let Some(of_row) = &config.page else {
            of.rows[index] = row;
            return Ok(true);
        };
        let path = row_path(config, &of_row.path, &row)?;
        let stands = |page: &&mut super::Page| {
            page.path == path
                && matches!(&page.body, Body::Row { collection: of, row, .. } if of == collection && *row == index)
        };
        let page = page.and_then(|page| self.pages.get_mut(page)).filter(stands);
        let Some(page) = page else { return Ok(false) };
        collection_pages::tell(page, config, &row)?;
        of.rows[index] = row;
        Ok(true)
    }
}
