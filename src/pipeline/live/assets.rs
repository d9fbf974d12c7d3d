//! Files and images of a site kept in memory: what changed in them, and whether all are there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::Live;
use crate::assets::images::{Images, Works};
use crate::assets::{self, Manifest};
use crate::error::Result;
use crate::render::Sources;

/// What became of the assets.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Swaps {
    /// URLs of files that changed, each with the new one.
    pub files: Vec<(String, String)>,
    /// Something came or went, or changed in a way that pages hold in themselves.
    pub more: bool,
}

impl Swaps {
    /// With what others were exchanged for after these.
    pub fn take(&mut self, later: Self) {
        for (from, to) in later.files {
            match self.files.iter_mut().find(|(_, now)| *now == from) {
                Some((_, now)) => *now = to,
                None => self.files.push((from, to)),
            }
        }
        self.more |= later.more;
    }
}

impl Live {
    /// Looks at files of `static/` and pictures of `content/` again.
    pub fn assets_changed(&mut self, files: &[String], pictures: &[String]) -> Result<Swaps> {
        for name in files {
            self.theme.reload_static(&self.config, name);
        }
        let former = &self.shared.assets;
        let manifest = assets::replan(former, &self.config, &self.theme, files, pictures)?;
        let swaps = swaps(former, &manifest, files);
        let images = !Arc::ptr_eq(&former.images, &manifest.images);
        if images {
            self.employ(&manifest.images)?;
        }
        self.shared = self.shared.with_assets(manifest);
        self.dress(images)?;
        Ok(swaps)
    }

    /// Pages are made of the assets there are now.
    pub(super) fn dress(&mut self, images: bool) -> Result<()> {
        self.unchecked |= images;
        self.inline.moved();
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        let from = Sources { config, theme, site, manifests, shared };
        press.dress(from)?;
        if images { press.refresh(from) } else { Ok(()) }
    }

    /// Images are others now. What the former works have begun is not waited for.
    pub(super) fn employ(&mut self, images: &Arc<Images>) -> Result<()> {
        let works = Arc::new(Works::start(images)?);
        let former = std::mem::replace(&mut self.works, works);
        std::thread::spawn(move || drop(former));
        Ok(())
    }

    /// Whether every image that a row or section names is there, but for these, of which it is
    /// known. Looks only where that may have changed.
    pub fn check_images(&mut self, but: &BTreeSet<String>) -> Result<()> {
        if !self.unchecked {
            return Ok(());
        }
        let assets = &self.shared.assets;
        if but.is_empty() {
            assets::check_images(assets, &self.site.images)?;
        } else {
            let named = self.site.images.iter().filter(|image| !but.contains(&image.path));
            assets::check_images(assets, &named.cloned().collect::<Vec<_>>())?;
        }
        self.unchecked = false;
        Ok(())
    }

    /// The works that make images, to be waited for without holding the site.
    pub fn works(&self) -> Arc<Works> {
        Arc::clone(&self.works)
    }

    /// Images were made: what was written while they were not is forgotten.
    pub fn images_made(&mut self) -> Result<()> {
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        press.images_made(Sources { config, theme, site, manifests, shared })
    }
}

/// Which files go by another URL now, and whether that is all. Icons are part of pages.
fn swaps(former: &Manifest, manifest: &Manifest, files: &[String]) -> Swaps {
    let mut swaps =
        Swaps { more: files.iter().any(|file| file.contains("icons/")), files: Vec::new() };
    let before: HashMap<&str, &str> =
        former.named().map(|(name, asset)| (name, asset.url.as_str())).collect();
    let mut found = 0;
    for (name, asset) in manifest.named() {
        match before.get(name) {
            Some(url) => {
                found += 1;
                if *url != asset.url {
                    // Anything but a style sheet is part of what pages say or do.
                    swaps.more |= !asset.url.ends_with(".css");
                    swaps.files.push(((*url).to_owned(), asset.url.clone()));
                }
            }
            None => swaps.more = true,
        }
    }
    swaps.more |= found < before.len();
    swaps
}
