//! Rendering: pages in, minified HTML out. Pure and parallel: nothing here is locked or written.

mod context;
mod csp;
mod engine;
mod filters;
mod functions;
mod keys;
mod minify;
mod sections;
mod values;

pub mod highlight;
pub mod markdown;
pub mod sanitize;

use std::sync::Arc;

pub use engine::Engine;
pub use keys::Keys;
pub use markdown::plain_text;
pub use values::encoded;

use crate::assets;
use crate::config::Config;
use crate::error::Result;
use crate::model::{Body, Manifests, Page, Site};
use markdown::Markdown;
use values::Values;

/// Everything pages are rendered with; built once, then read by every thread.
pub struct Renderer<'a> {
    config: &'a Config,
    site: &'a Site,
    manifests: &'a Manifests,
    tera: tera::Tera,
    minifier: minify::Minifier,
    values: Values<'a>,
    shared: &'a Shared,
}

/// What template functions need: shared with the template engine, which keeps it alive.
pub struct Shared {
    pub assets: assets::Manifest,
    pub markdown: Markdown,
    pub base_url: String,
}

impl Shared {
    pub fn new(config: &Config, assets: assets::Manifest) -> Arc<Self> {
        let markdown = Markdown::new(config.build.highlight);
        Arc::new(Self { assets, markdown, base_url: config.site.base_url.clone() })
    }
}

/// One finished page.
#[derive(Debug)]
pub struct Rendered {
    pub html: Vec<u8>,
    /// What it asks of the rest of the site: `script-src …` and `style-src …` for the
    /// Content-Security-Policy, `file …` for an image it shows.
    pub needs: Vec<String>,
}

impl<'a> Renderer<'a> {
    /// Takes the engine over: it learns the site's own values, which every page sees.
    pub fn new(
        config: &'a Config,
        engine: Engine,
        site: &'a Site,
        manifests: &'a Manifests,
        shared: &'a Shared,
    ) -> Result<Self> {
        let Engine(mut tera) = engine;
        let values = Values::new(config, site, shared);
        let global = tera.global_context();
        context::site(global, config, shared)?;
        global.insert_value("shared", values.shared(&config.site.shared)?);
        engine::check_templates(&tera, config, site)?;
        let minifier = minify::Minifier::new(config.build.minify);
        Ok(Self { config, site, manifests, tera, minifier, values, shared })
    }

    pub fn config(&self) -> &Config {
        self.config
    }

    /// Renders one page; an error names the page, the template and its line.
    pub fn page(&self, page: &Page) -> Result<Rendered> {
        let named = |error: crate::error::Error| error.context(page.label());
        let context = self.context(page).map_err(named)?;
        let html = self
            .tera
            .render(&page.template, &context)
            .map_err(|error| named(engine::explain(&error)))?;
        let html = self.minifier.page(html, &self.bodies(page));
        let mut needs = csp::inline_sources(&html);
        needs.extend(self.files(&html));
        Ok(Rendered { html, needs })
    }

    /// The images that finished HTML shows, each as `file …`.
    pub fn files(&self, html: &[u8]) -> impl Iterator<Item = String> {
        self.shared.assets.referred_by(html).into_iter().map(|url| format!("file {url}"))
    }

    /// A row's rendered Markdown or HTML column, for feeds.
    pub fn column(&self, collection: &str, row: usize, column: &str) -> Result<Option<String>> {
        let value = self.values.row(collection, row)?;
        let text = value.get_from_path(column).and_then(tera::Value::as_str);
        Ok(text.map(str::to_owned))
    }

    /// Long texts of the page that are compact already, so that the minifier may skip them.
    fn bodies(&self, page: &Page) -> Vec<tera::Value> {
        match &page.body {
            Body::Row { collection, row, .. } => self.values.bodies(collection, *row),
            _ => Vec::new(),
        }
    }
}
