//! The pages of layouts exchanged where they stand, which is before all others.

use super::PageIndex;
use crate::config::Config;
use crate::model::paths::Paths;
use crate::model::{Body, ImageReference, Manifests, Page, Site, layout_pages};
use crate::source::LayoutRow;

impl Site {
    /// Puts these layouts in the place of those there are. False, and nothing done, where the site
    /// has to be assembled anew: what is wrong with a layout is then found there, or that another
    /// page has its path.
    pub fn lay_out(
        &mut self,
        config: &Config,
        manifests: &Manifests,
        index: &mut PageIndex,
        layouts: Vec<LayoutRow>,
    ) -> bool {
        let count = self.layout_pages().count();
        let mut new = Self::default();
        let mut paths = Paths::default();
        if layout_pages::add(&mut new, layouts, config, manifests, &mut paths).is_err() {
            return false;
        }
        let mut taken = new.pages.iter().filter_map(|page| index.taken(&page.path));
        if taken.any(|at| at >= count) {
            return false;
        }
        let is_home = |page: &Page| page.path == "/";
        let stays = || index.find(self, "/").is_some_and(|at| at >= count);
        if !new.pages.iter().any(is_home) && !stays() {
            return false;
        }
        let gone = self.layout_images().len();
        drop(self.images.splice(..gone, new.images));
        index.replaced(&(0..count), &self.pages[..count], &new.pages);
        drop(self.pages.splice(..count, new.pages));
        true
    }

    fn layout_pages(&self) -> impl Iterator<Item = &Page> {
        self.pages.iter().take_while(|page| matches!(page.body, Body::Layout { .. }))
    }

    /// The images that layouts name: they stand before those of rows.
    pub fn layout_images(&self) -> &[ImageReference] {
        let mut images = Vec::new();
        for page in self.layout_pages() {
            layout_pages::gather_images(&mut images, "", page);
        }
        &self.images[..images.len().min(self.images.len())]
    }
}
