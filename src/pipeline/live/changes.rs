//! Changes of rows, taken where they stand; the site is assembled anew only where it has to be.

use indexmap::IndexMap;

use super::{Live, RowChange, Stale, shown};
use crate::assets;
use crate::error::Result;
use crate::model::Row;
use crate::render::Sources;
use crate::source::LayoutRow;

/// How to take a change back.
enum Undo {
    PutIn { collection: String, index: usize, row: Row },
    TakeOut { collection: String, index: usize },
    Exchange { collection: String, index: usize, row: Row },
    LayOut { layouts: Vec<LayoutRow> },
}

impl Live {
    /// Takes rows that changed; [`settle`](Self::settle) then shows those that touch others.
    pub fn rows_changed(&mut self, changes: Vec<RowChange>) -> Result<()> {
        let mut undo = Vec::new();
        let (mut anew, mut noted) = (self.stale == Stale::Whole, false);
        for change in changes {
            self.mention(&change);
            // What is wrong with a row is told where the whole site is assembled.
            let taken = !anew && self.take(&change, &mut undo).unwrap_or(false);
            if !taken && !anew {
                anew = true;
                self.take_back(std::mem::take(&mut undo));
            }
            noted |= matches!(change, RowChange::Notes(_));
            self.keep(change);
        }
        if anew {
            self.stale = Stale::Whole;
        }
        if noted && !anew { self.note() } else { Ok(()) }
    }

    /// The newest rows are those that the next assembly is made of.
    fn keep(&mut self, change: RowChange) {
        match change {
            RowChange::Layouts { layouts, drafts } => {
                (self.snapshot.layouts, self.drafts) = (layouts, drafts);
            }
            RowChange::Notes(notes) => self.snapshot.notes = notes,
            rows => put(&mut self.snapshot.collections, rows),
        }
    }

    /// One change in its place; false where the site has to be assembled anew.
    fn take(&mut self, change: &RowChange, undo: &mut Vec<Undo>) -> Result<bool> {
        match change {
            RowChange::Row { collection, index, row } => {
                let (index, name) = (*index, collection);
                let former = self.site.collections.get(name).and_then(|of| of.rows.get(index));
                let Some(former) = former.cloned() else { return Ok(false) };
                if self.exchange(name, index, row.clone())? {
                    let collection = name.clone();
                    undo.push(Undo::Exchange { collection, index, row: former });
                    return Ok(true);
                }
                Ok(self.gone(name, index, undo)? && self.come(name, index, row.clone(), undo)?)
            }
            RowChange::Gone { collection, index } => self.gone(collection, *index, undo),
            RowChange::Come { collection, index, row } => {
                self.come(collection, *index, row.clone(), undo)
            }
            // By other manifests the former ones could not be put back.
            RowChange::Layouts { .. } if self.stale != Stale::Nothing => Ok(false),
            RowChange::Layouts { layouts, drafts } => {
                let former = shown(&self.snapshot.layouts, self.drafts.as_deref());
                undo.push(Undo::LayOut { layouts: former });
                self.lay_out(shown(layouts, drafts.as_deref()))
            }
            RowChange::All { .. } => Ok(false),
            // Taken once all others are.
            RowChange::Notes(_) => Ok(true),
        }
    }

    /// Whatever could be done of changes that could not all be done.
    fn take_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            let mut nothing = Vec::new();
            // They were there before, and are well.
            let _ = match step {
                Undo::PutIn { collection, index, row } => {
                    self.come(&collection, index, row, &mut nothing)
                }
                Undo::TakeOut { collection, index } => self.gone(&collection, index, &mut nothing),
                Undo::Exchange { collection, index, row } => self.exchange(&collection, index, row),
                Undo::LayOut { layouts } => self.lay_out(layouts),
            };
        }
    }

    /// One row in its place; false where more depends on it.
    fn exchange(&mut self, collection: &str, index: usize, row: Row) -> Result<bool> {
        let path = self.site.collections.get(collection).and_then(|it| it.path(index));
        let page = path.and_then(|path| self.pages.find(&self.site, path));
        if !self.site.exchange(&self.config, collection, index, page, row)? {
            return Ok(false);
        }
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        press.row_changed(collection, index, Sources { config, theme, site, manifests, shared })?;
        let of_row = page.and_then(|page| self.site.pages.get(page));
        self.inline.changed(&self.site.pages, of_row);
        Ok(true)
    }

    /// These layouts in the place of those there are.
    pub(super) fn lay_out(&mut self, layouts: Vec<LayoutRow>) -> Result<bool> {
        if !self.site.lay_out(&self.config, &self.manifests, &mut self.pages, layouts) {
            return Ok(false);
        }
        self.reworded = true;
        self.inline.moved();
        self.mention_layouts();
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        press.laid_out(Sources { config, theme, site, manifests, shared })?;
        let named = self.site.layout_images();
        Ok(assets::check_images(&self.shared.assets, named).is_ok())
    }

    fn gone(&mut self, collection: &str, index: usize, undo: &mut Vec<Undo>) -> Result<bool> {
        let taken = self.site.take_out(&self.config, &mut self.pages, collection, index)?;
        let Some(row) = taken else { return Ok(false) };
        undo.push(Undo::PutIn { collection: collection.to_owned(), index, row });
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        self.inline.moved();
        press.row_gone(collection, index, Sources { config, theme, site, manifests, shared })?;
        Ok(true)
    }

    fn come(
        &mut self,
        collection: &str,
        index: usize,
        row: Row,
        undo: &mut Vec<Undo>,
    ) -> Result<bool> {
        let images = self.site.images.len();
        if !self.site.put_in(&self.config, &mut self.pages, collection, index, row)? {
            return Ok(false);
        }
        undo.push(Undo::TakeOut { collection: collection.to_owned(), index });
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        self.inline.moved();
        press.row_came(collection, index, Sources { config, theme, site, manifests, shared })?;
        // The images it names are the last; one that is missing is told where all are looked at.
        let new = self.site.images.get(images..).unwrap_or_default();
        Ok(assets::check_images(&self.shared.assets, new).is_ok())
    }
}

/// A change of rows, among the rows of all collections.
pub(super) fn put(all: &mut IndexMap<String, Vec<Row>>, change: RowChange) {
    match change {
        RowChange::Row { collection, index, row } => {
            if let Some(place) = all.get_mut(&collection).and_then(|it| it.get_mut(index)) {
                *place = row;
            }
        }
        RowChange::Gone { collection, index } => {
            if let Some(rows) = all.get_mut(&collection).filter(|rows| index < rows.len()) {
                rows.remove(index);
            }
        }
        RowChange::Come { collection, index, row } => {
            if let Some(rows) = all.get_mut(&collection).filter(|rows| index <= rows.len()) {
                rows.insert(index, row);
            }
        }
        RowChange::All { collection, rows } => {
            all.insert(collection, rows);
        }
        RowChange::Layouts { .. } | RowChange::Notes(_) => {}
    }
}
