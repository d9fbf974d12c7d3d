//! What a site was made from, as the site itself tells it: `/health.json` with a hash for each kind
//! of input, and beside it a hash for each page. Whoever has the same hashes would build the same.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use blake3::Hasher;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::assets::Manifest;
use crate::config::{Config, Enrich, From, Images};
use crate::error::{Error, Result};
use crate::model::{Hash, Site};
use crate::render::Keys;
use crate::source::Snapshot;
use crate::theme::Theme;

pub const HEALTH: &str = "health.json";
pub const PAGES: &str = "health-pages.json";

/// Hashes of one way are never compared with those of another.
const FORMAT: u32 = 3;

/// Files that the host reads for itself, and what it runs: they decide how the site is served.
const HOST: [&str; 3] = ["vercel.json", "netlify.toml", "scripts/host-build.sh"];

/// A hash for each kind of input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    pub format: u32,
    pub program: String,
    pub configuration: String,
    pub templates: String,
    /// Style sheets, scripts, icons, images in `content/` and `static/`, and every other file there.
    pub assets: String,
    /// What is served how, as far as files in the site's folder tell the host.
    pub host: String,
    pub collections: IndexMap<String, Rows>,
    pub layouts: BTreeMap<String, String>,
}

/// The rows of a collection, in their order, with what is known beside their columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rows {
    pub rows: usize,
    pub hash: String,
}

/// `/health.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Summary {
    pub generator: String,
    pub version: String,
    pub status: String,
    /// Of all content.
    pub fingerprint: String,
    pub inputs: Inputs,
}

/// `/health-pages.json`: what each page says, by its path.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pages {
    pub pages: BTreeMap<String, String>,
}

/// Both files of one build.
pub struct Health {
    summary: String,
    pages: String,
}

impl Health {
    pub fn new(fingerprint: &Hash, inputs: Inputs, keys: &Keys<'_>, site: &Site) -> Self {
        let summary = Summary {
            generator: "frieze".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            status: "ok".to_owned(),
            fingerprint: blake3::Hash::from_bytes(*fingerprint).to_hex().to_string(),
            inputs,
        };
        Self { summary: text(&summary), pages: text(&pages(keys, site)) }
    }

    pub fn summary(&self) -> &str {
        &self.summary
    }

    pub fn pages(&self) -> &str {
        &self.pages
    }
}

pub fn pages(keys: &Keys<'_>, site: &Site) -> Pages {
    let key = |page| blake3::Hash::from_bytes(keys.page(page)).to_hex()[..12].to_owned();
    Pages { pages: site.pages.iter().map(|page| (page.path.clone(), key(page))).collect() }
}

/// Maps with keys of text and values of text and numbers are always JSON.
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub fn of(
    config: &Config,
    theme: &Theme,
    assets: &Manifest,
    snapshot: &Snapshot,
) -> Result<Inputs> {
    let mut collections = IndexMap::new();
    for (name, rows) in &snapshot.collections {
        let mut hasher = Hasher::new();
        for row in rows {
            hasher.update(&row.content);
        }
        // Pages show it, and it may be another without a row being touched.
        if let Some(notes) = snapshot.notes.get(name) {
            notes.tell(&mut hasher);
        }
        collections.insert(name.clone(), Rows { rows: rows.len(), hash: short(&hasher) });
    }
    let layouts = snapshot.layouts.iter().map(|layout| {
        let mut hasher = Hasher::new();
        hasher.update(&layout.hash);
        (layout.page.clone(), short(&hasher))
    });
    Ok(Inputs {
        format: FORMAT,
        program: program()?.to_owned(),
        configuration: configuration(config),
        templates: templates(theme),
        assets: short(Hasher::new().update(&assets.site_fingerprint())),
        host: host(config),
        collections,
        layouts: layouts.collect(),
    })
}

/// What the configuration says of the site, wherever it is built. Debug output names every field,
/// so a new one cannot be forgotten here.
fn configuration(config: &Config) -> String {
    let build = (config.build.target, config.build.highlight, config.build.minify);
    let mut collections = config.collections.clone();
    for collection in collections.values_mut() {
        // They decide which rows there are, which are hashed; and who may guess should not be told.
        if let From::Query { parameters, .. } = &mut collection.from {
            parameters.clear();
        }
    }
    // It decides whether there is a site, and not what is in it.
    let images = Images { allow_missing: false, ..config.images.clone() };
    let parts = (
        &config.site,
        build,
        &config.layouts,
        &config.database.role,
        &images,
        enrichment(&config.enrich),
        &collections,
        &config.pages,
        &config.json,
        &config.redirects,
    );
    short(Hasher::new().update(format!("{parts:?}").as_bytes()))
}

/// What models are asked for, and which: a build may do what the last one could not.
fn enrichment(enrich: &Enrich) -> Enrich {
    let mut enrich = Enrich { window: Duration::ZERO, ..enrich.clone() };
    for provider in &mut enrich.providers {
        provider.key = None;
        // Hashes are published: they must not tell whether a guess is right.
        let _ = provider.base_url.set_password(None);
    }
    enrich
}

/// One that cannot be read is none: the host cannot read it either.
fn host(config: &Config) -> String {
    let mut hasher = Hasher::new();
    for name in HOST {
        if let Ok(bytes) = std::fs::read(config.root.join(name)) {
            hasher.update(name.as_bytes()).update(b"\0").update(blake3::hash(&bytes).as_bytes());
        }
    }
    short(&hasher)
}

fn templates(theme: &Theme) -> String {
    let mut hasher = Hasher::new();
    for (name, template) in &theme.templates {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&(template.text.len() as u64).to_le_bytes());
        hasher.update(template.text.as_bytes());
    }
    short(&hasher)
}

/// Begins to look at the program, which is large: somebody will ask for it later.
pub fn begin() {
    rayon::spawn(|| drop(program()));
}

/// This very program, by its content: the same file on another machine is the same program.
fn program() -> Result<&'static str> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    let hash = || {
        let mut file = std::fs::File::open(std::env::current_exe().ok()?).ok()?;
        // A piece at a time: all of it at once would be most of what a build keeps in memory.
        Some(short(Hasher::new().update_reader(&mut file).ok()?))
    };
    let found = PROGRAM.get_or_init(hash).as_deref();
    found.ok_or_else(|| Error::other("cannot read this program's own file"))
}

fn short(hasher: &Hasher) -> String {
    hasher.finalize().to_hex()[..32].to_owned()
}
