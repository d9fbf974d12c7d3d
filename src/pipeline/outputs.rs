//! Everything published beside the pages: assets, feeds, sitemap, JSON, and the hosts' rules.

use std::collections::BTreeSet;

use serde_json::json;

use rayon::prelude::*;

use super::pages::{self, Done};
use crate::assets::Manifest;
use crate::assets::images::Variant;
use crate::config::{self, Config, Target};
use crate::error::Result;
use crate::fs;
use crate::model::{Body, Hash, Row, Site};
use crate::publish::hosts::{
    Csp, HeaderRule, build_output_config, headers_file, redirects_file, rules,
};
use crate::publish::{self, FeedEntry, FeedMeta, SitemapEntry, Stage, data};
use crate::render::{Renderer, encoded, plain_text};

/// Where a build's files go.
pub struct Outputs<'a> {
    config: &'a Config,
    stage: &'a Stage,
}

impl<'a> Outputs<'a> {
    pub fn new(config: &'a Config, stage: &'a Stage) -> Self {
        Self { config, stage }
    }

    /// A path on the site as a path in the output folder.
    pub fn file(path: &str) -> String {
        let path = path.trim_start_matches('/');
        let index = if path.is_empty() || path.ends_with('/') { "index.html" } else { "" };
        format!("{path}{index}")
    }

    fn put(&self, path: &str, bytes: &[u8]) -> Result<()> {
        self.stage.write(&Self::file(path), None, bytes, Vec::new())
    }

    pub fn write(
        &self,
        site: &Site,
        renderer: &Renderer<'_>,
        assets: &Manifest,
        pages: &Done,
        fingerprint: &Hash,
    ) -> Result<()> {
        // A site's own file of that name stands.
        let brought = |path: &str| assets.asset(path).is_ok();
        let mut shown = pages.needs.clone();
        for file in &self.config.json {
            self.put(&file.path, &data::json_file(file, site)?)?;
        }
        for collection in self.config.collections.values() {
            if let Some(feed) = &collection.feed {
                let bytes = self.feed(collection, feed, site, renderer)?;
                shown.extend(renderer.files(&bytes));
                self.put(&feed.path, &bytes)?;
            }
        }
        for file in assets.files() {
            if !file.on_demand || shown.contains(&format!("file {}", file.url)) {
                self.put(&file.url, &file.bytes()?)?;
            }
        }
        self.images(&shown, assets)?;
        for (path, bytes) in publish::sitemap(&self.config.site.base_url, &self.addresses(site))? {
            self.put(&path, &bytes)?;
        }
        if !brought("robots.txt") {
            self.put("robots.txt", &publish::robots(&self.config.site.base_url))?;
        }
        if !brought("site.webmanifest") {
            self.put("site.webmanifest", &publish::webmanifest(&self.config.site))?;
        }
        self.put("health.json", health(fingerprint).as_bytes())?;
        self.host_rules(pages)
    }

    /// Every variant that a page or feed refers to.
    fn images(&self, shown: &BTreeSet<String>, assets: &Manifest) -> Result<()> {
        let variants: Vec<Variant> = shown.iter().filter_map(|need| pages::variant(need)).collect();
        variants.par_iter().try_for_each(|variant| {
            let images = &assets.images;
            let Some((url, key)) = images.recall(variant) else { return Ok(()) };
            let file = Self::file(&url);
            if self.stage.reuse(&file, key).is_some() {
                images.cache().touch(&key);
                return Ok(());
            }
            self.stage.write(&file, Some(key), &images.bytes(variant)?, Vec::new())
        })
    }

    fn host_rules(&self, pages: &Done) -> Result<()> {
        if self.config.build.target == Target::Vercel {
            return Ok(());
        }
        let rules = header_rules(pages);
        self.put("_headers", &headers_file(&rules)?)?;
        self.put("_redirects", &redirects_file(&self.config.redirects)?)
    }

    /// Every page but the one for what is not found.
    fn addresses(&self, site: &Site) -> Vec<SitemapEntry> {
        let pages = site.pages.iter().filter(|page| !matches!(page.body, Body::NotFound));
        pages
            .map(|page| SitemapEntry {
                url: self.config.absolute(&encoded(&page.path)),
                updated: page.updated.clone(),
            })
            .collect()
    }

    fn feed(
        &self,
        collection: &config::Collection,
        feed: &config::Feed,
        site: &Site,
        renderer: &Renderer<'_>,
    ) -> Result<Vec<u8>> {
        let config = self.config;
        let meta = FeedMeta {
            title: format!("{} · {}", config.site.title, feed.title),
            description: config.site.description.clone(),
            // Atom wants every feed to have an author.
            author: Some(&config.site.author)
                .filter(|name| !name.is_empty())
                .unwrap_or(&config.site.title)
                .clone(),
            language: config.site.language.clone(),
            site_url: config.absolute("/"),
            feed_url: config.absolute(&feed.path),
        };
        let pages = site.pages.iter().filter_map(|page| match &page.body {
            Body::Row { collection: of, row, .. } if *of == collection.name => Some((page, *row)),
            _ => None,
        });
        let rows = site.collections.get(&collection.name).map(|c| c.rows.as_slice());
        let rows = rows.unwrap_or_default();
        let entries = pages.take(feed.limit).map(|(page, row)| {
            let html = match &feed.content {
                Some(column) => renderer.column(&collection.name, row, column)?,
                None => None,
            };
            Ok(FeedEntry {
                title: page.title.clone(),
                url: config.absolute(&encoded(&page.path)),
                id: identity(&rows[row]),
                published: published(feed, &rows[row]),
                updated: page.updated.clone(),
                summary: Some(plain_text(&page.description)).filter(|text| !text.is_empty()),
                content_html: html,
            })
        });
        publish::feed(&meta, &entries.collect::<Result<Vec<_>>>()?)
    }
}

/// What an entry stays when its title and address change: the row's own id.
fn identity(row: &Row) -> String {
    row.text("id").map_or_else(String::new, |id| format!("urn:uuid:{id}"))
}

fn published(feed: &config::Feed, row: &Row) -> Option<String> {
    let column = feed.published.as_deref().unwrap_or("published_at");
    row.text(column).or_else(|| row.text("created_at")).map(str::to_owned)
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

/// Opens the output folder for a build. Vercel's holds the site one level down, beside its rules.
pub fn open(config: &Config) -> Result<Stage> {
    let output = &config.build.output;
    match config.build.target {
        Target::Static => Stage::open(output),
        Target::Vercel => Stage::open_beside(&output.join("static"), output),
    }
}

/// What hosts want beside the finished site: the routes of Vercel's Build Output API.
pub fn host_config(config: &Config, pages: &Done) -> Result<()> {
    if config.build.target == Target::Vercel {
        let rules = build_output_config(&header_rules(pages), &config.redirects);
        fs::replace(&config.build.output.join("config.json"), &rules)?;
    }
    Ok(())
}

fn header_rules(pages: &Done) -> Vec<HeaderRule> {
    let hashes = |directive: &str| {
        let hash = |source: &String| {
            let hash = source.strip_prefix(directive)?.trim().trim_matches('\'');
            Some(hash.to_owned())
        };
        pages.needs.iter().filter_map(hash).collect()
    };
    rules(&Csp { script_hashes: hashes("script-src"), style_hashes: hashes("style-src") })
}
