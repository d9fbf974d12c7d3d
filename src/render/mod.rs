//! Rendering: pages in, minified HTML out. Pure and parallel: nothing here is locked or written.

mod context;
mod csp;
mod engine;
mod filters;
mod functions;
mod keys;
mod minify;
mod picture;
mod sections;
mod values;

pub mod highlight;
pub mod markdown;
pub mod sanitize;

use std::sync::{Arc, OnceLock};

pub use engine::Engine;
pub use keys::Keys;
pub use markdown::plain_text;
pub use values::encoded;

use crate::assets;
use crate::config::Config;
use crate::error::Result;
use crate::model::{Manifests, Page, Site};
use crate::theme::Theme;
use markdown::Markdown;
use values::Values;

/// Everything pages are rendered with; built once, then read by every thread.
pub struct Renderer<'a> {
    config: &'a Config,
    site: &'a Site,
    manifests: &'a Manifests,
    tera: tera::Tera,
    /// The templates as they are written, for the lines of errors; loaded when there is one.
    plain: OnceLock<Option<tera::Tera>>,
    theme: &'a Theme,
    values: Values<'a>,
    shared: &'a Arc<Shared>,
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
    /// Content-Security-Policy, `file …` for a file it shows, `image …` with a variant as JSON.
    pub needs: Vec<String>,
    /// It shows an image that has still to be made: to be rendered again when that is done.
    pub pending: bool,
}

impl<'a> Renderer<'a> {
    /// Takes the engine over: it learns the site's own values, which every page sees.
    pub fn new(
        config: &'a Config,
        theme: &'a Theme,
        engine: Engine,
        site: &'a Site,
        manifests: &'a Manifests,
        shared: &'a Arc<Shared>,
    ) -> Result<Self> {
        let Engine(mut tera) = engine;
        let values = Values::new(config, site, shared);
        globals(tera.global_context(), config, shared, &values)?;
        engine::check_templates(&tera, config, site)?;
        let plain = OnceLock::new();
        Ok(Self { config, site, manifests, tera, plain, theme, values, shared })
    }

    /// Renders one page; an error names the page, the template and its line.
    pub fn page(&self, page: &Page) -> Result<Rendered> {
        let html = self.html(&self.tera, page).map_err(|error| {
            // The same again with the templates as written: their lines are what people know.
            match self.plain() {
                Some(plain) => self.html(plain, page).err().unwrap_or(error),
                None => error,
            }
        })?;
        let html = html.into_bytes();
        let mut needs = csp::inline_sources(&html);
        needs.extend(self.files(&html));
        let pending = memchr::memmem::find(&html, picture::PENDING.as_bytes()).is_some();
        Ok(Rendered { html, needs, pending })
    }

    fn html(&self, tera: &tera::Tera, page: &Page) -> Result<String> {
        let named = |error: crate::error::Error| error.context(page.label());
        let context = self.context(tera, page).map_err(named)?;
        let html = tera.render(&page.template, &context);
        html.map_err(|error| named(engine::explain(&error)))
    }

    fn plain(&self) -> Option<&tera::Tera> {
        let load = || {
            let Engine(mut plain) = Engine::load(self.theme, self.shared, false).ok()?;
            globals(plain.global_context(), self.config, self.shared, &self.values).ok()?;
            Some(plain)
        };
        self.plain.get_or_init(load).as_ref()
    }

    /// The images that finished HTML shows, each as `file …` or `image …`.
    pub fn files(&self, html: &[u8]) -> impl Iterator<Item = String> {
        let assets = &self.shared.assets;
        assets.referred_by(html).into_iter().map(|url| {
            let variant = assets.images.variant(&url);
            // A variant is plain data: it always serialises.
            let variant = variant.and_then(|variant| serde_json::to_string(&variant).ok());
            variant.map_or_else(|| format!("file {url}"), |variant| format!("image {variant}"))
        })
    }

    /// Forgets the texts made so far: images in them are known better now.
    pub fn refresh(&mut self) -> Result<()> {
        self.values = Values::new(self.config, self.site, self.shared);
        globals(self.tera.global_context(), self.config, self.shared, &self.values)
    }

    /// A row's rendered Markdown or HTML column, for feeds: its images stand alone, with whole
    /// addresses.
    pub fn column(&self, collection: &str, row: usize, column: &str) -> Result<Option<String>> {
        let value = self.values.column(collection, row, column)?;
        Ok(value.as_ref().and_then(tera::Value::as_str).map(str::to_owned))
    }
}

/// What every template of every page sees.
fn globals(
    context: &mut tera::Context,
    config: &Config,
    shared: &Shared,
    values: &Values<'_>,
) -> Result<()> {
    context::site(context, config, shared)?;
    context.insert_value("shared", values.shared(&config.site.shared)?);
    Ok(())
}
