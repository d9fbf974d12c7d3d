//! What images a site has and what they cost: every source, with the variants its pages ask for.

use std::collections::BTreeMap;

use serde::Serialize;

use super::pages::variant;
use crate::assets::images::Source;
use crate::assets::images::{Images, Outcome, Variant};
use crate::error::Result;
use crate::model::Site;
use crate::render::Renderer;
use rayon::prelude::*;

/// One source image.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Its path below `content/` or `static/`, or its URL.
    pub image: String,
    /// In bytes.
    pub bytes: u64,
    /// In pixels, as shown.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// How many variants the site's pages ask for.
    pub variants: usize,
    /// Bytes of those that are made; dropped ones cost nothing.
    pub variant_bytes: u64,
    /// Variants that no build has made yet.
    pub unmade: usize,
    /// Larger than Supabase Storage takes in one upload.
    pub over_limit: bool,
    /// Why it cannot be shown, if it cannot.
    pub problem: Option<String>,
}

/// What Supabase's free plan takes in one upload.
const UPLOAD_LIMIT: u64 = 50 * 1024 * 1024;

/// Renders every page, publishes nothing, and counts.
pub fn take(site: &Site, renderer: &Renderer<'_>, images: &Images) -> Result<Vec<Listed>> {
    let pages = site.pages.par_iter().map(|page| Ok(renderer.page(page)?.needs));
    let needs = pages.collect::<Result<Vec<_>>>()?;
    let mut variants: BTreeMap<String, Vec<Variant>> = BTreeMap::new();
    for found in needs.iter().flatten().filter_map(|need| variant(need)) {
        let of = variants.entry(found.source.clone()).or_default();
        if !of.contains(&found) {
            of.push(found);
        }
    }
    let none = Vec::new();
    let listed = images.sources().map(|source| {
        let asked = variants.get(&source.name).unwrap_or(&none);
        listed(source, asked, images)
    });
    Ok(listed.collect())
}

fn listed(source: &Source, asked: &[Variant], images: &Images) -> Listed {
    let outcomes = asked.iter().map(|variant| images.outcome(&variant.what.key(&source.hash)));
    let outcomes: Vec<_> = outcomes.collect();
    let bytes = |outcome: &Option<Outcome>| match outcome {
        Some(Outcome::Made(bytes)) => *bytes,
        _ => 0,
    };
    let header = source.header.as_ref().ok();
    Listed {
        image: source.name.clone(),
        bytes: source.bytes,
        width: header.map(|header| header.width),
        height: header.map(|header| header.height),
        variants: asked.len(),
        variant_bytes: outcomes.iter().map(bytes).sum(),
        unmade: outcomes.iter().filter(|outcome| outcome.is_none()).count(),
        over_limit: source.bytes > UPLOAD_LIMIT,
        problem: source.header.as_ref().err().cloned(),
    }
}
