//! Everything published beside the pages: assets, feeds, sitemap, JSON, and the hosts' rules.

use std::collections::BTreeSet;

use rayon::prelude::*;

use super::inputs::{self, Health};
use super::pages::{self, Done};
use crate::assets::Manifest;
use crate::assets::images::Variant;
use crate::config::{self, Config, Target};
use crate::error::Result;
use crate::fs;
use crate::model::{Body, Row, Site};
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
        health: &Health,
    ) -> Result<()> {
        let extras = Extras { config: self.config, site, renderer, assets };
        let mut shown = pages.needs.clone();
        for file in &self.config.json {
            self.put(&file.path, &data::json_file(file, site)?)?;
        }
        for (collection, feed) in extras.feeds() {
            let bytes = extras.feed(collection, feed)?;
            shown.extend(renderer.files(&bytes));
            self.put(&feed.path, &bytes)?;
        }
        for file in assets.files() {
            if !file.on_demand || shown.contains(&format!("file {}", file.url)) {
                self.put(&file.url, &file.bytes()?)?;
            }
        }
        self.images(&shown, assets)?;
        for (path, bytes) in extras.sitemaps()? {
            self.put(&path, &bytes)?;
        }
        if !extras.brings("robots.txt") {
            self.put("robots.txt", &extras.robots())?;
        }
        if !extras.brings("site.webmanifest") {
            self.put("site.webmanifest", &extras.webmanifest())?;
        }
        self.put(inputs::HEALTH, health.summary().as_bytes())?;
        self.put(inputs::PAGES, health.pages().as_bytes())?;
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
}

/// Files that are made of the site as a whole.
pub struct Extras<'a> {
    pub config: &'a Config,
    pub site: &'a Site,
    pub renderer: &'a Renderer<'a>,
    pub assets: &'a Manifest,
}

impl<'a> Extras<'a> {
    /// Whether the site has a file of that name, which then stands.
    fn brings(&self, path: &str) -> bool {
        self.assets.asset(path).is_ok()
    }

    /// The one of these files that is published at a path, if there is one.
    pub fn at(&self, path: &str, health: &dyn Fn() -> Result<Health>) -> Result<Option<Vec<u8>>> {
        if let Some(file) = self.config.json.iter().find(|file| file.path == path) {
            return data::json_file(file, self.site).map(Some);
        }
        if let Some((collection, feed)) = self.feeds().find(|(_, feed)| feed.path == path) {
            return self.feed(collection, feed).map(Some);
        }
        let name = path.trim_start_matches('/');
        match path {
            "/robots.txt" => Ok(Some(self.robots())),
            "/site.webmanifest" => Ok(Some(self.webmanifest())),
            _ if name == inputs::HEALTH => Ok(Some(health()?.summary().into())),
            _ if name == inputs::PAGES => Ok(Some(health()?.pages().into())),
            _ if name.starts_with("sitemap") => {
                let is = |found: &str| found.trim_start_matches('/') == name;
                let mut files = self.sitemaps()?.into_iter();
                Ok(files.find(|(found, _)| is(found)).map(|(_, bytes)| bytes))
            }
            _ => Ok(None),
        }
    }

    fn feeds(&self) -> impl Iterator<Item = (&'a config::Collection, &'a config::Feed)> + use<'a> {
        let collections = self.config.collections.values();
        collections.filter_map(|collection| Some((collection, collection.feed.as_ref()?)))
    }

    fn sitemaps(&self) -> Result<Vec<(String, Vec<u8>)>> {
        publish::sitemap(&self.config.site.base_url, &self.addresses())
    }

    fn robots(&self) -> Vec<u8> {
        publish::robots(&self.config.site.base_url)
    }

    fn webmanifest(&self) -> Vec<u8> {
        publish::webmanifest(&self.config.site)
    }

    /// Every page but the one for what is not found.
    fn addresses(&self) -> Vec<SitemapEntry> {
        let pages = self.site.pages.iter().filter(|page| !matches!(page.body, Body::NotFound));
        pages
            .map(|page| SitemapEntry {
                url: self.config.absolute(&encoded(&page.path)),
                updated: page.updated.clone(),
            })
            .collect()
    }

    fn feed(&self, collection: &config::Collection, feed: &config::Feed) -> Result<Vec<u8>> {
        let Self { config, site, renderer, .. } = *self;
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
    rules(&csp(&pages.needs))
}

/// What pages that need all this add to the policy.
pub fn csp(needs: &BTreeSet<String>) -> Csp {
    let hashes = |directive: &str| {
        let hash = |source: &String| {
            let hash = source.strip_prefix(directive)?.trim().trim_matches('\'');
            Some(hash.to_owned())
        };
        needs.iter().filter_map(hash).collect()
    };
    Csp { script_hashes: hashes("script-src"), style_hashes: hashes("style-src") }
}
