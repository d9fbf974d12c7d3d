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

pub use csp::inline_sources;
pub use engine::Engine;
pub use functions::escaped;
pub use keys::Keys;
pub use markdown::plain_text;
pub use values::encoded;

use crate::assets;
use crate::config::Config;
use crate::error::Result;
use crate::model::{Manifests, Page, Site};
use crate::theme::Theme;
use markdown::Markdown;
use values::{Values, View};

/// What pages are made of.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    pub config: &'a Config,
    pub theme: &'a Theme,
    pub site: &'a Site,
    pub manifests: &'a Manifests,
    pub shared: &'a Arc<Shared>,
}

/// What is made of them once and kept between pages: parsed templates, and rows as they see them.
pub struct Press {
    tera: tera::Tera,
    /// The templates as they are written, for the lines of errors; loaded when there is one.
    plain: OnceLock<Option<tera::Tera>>,
    values: Values,
}

/// Renders pages: any number of them at once, on any thread.
pub struct Renderer<'a> {
    config: &'a Config,
    site: &'a Site,
    manifests: &'a Manifests,
    tera: &'a tera::Tera,
    plain: &'a OnceLock<Option<tera::Tera>>,
    theme: &'a Theme,
    values: View<'a>,
    shared: &'a Arc<Shared>,
}

/// What template functions need: shared with the template engine, which keeps it alive.
pub struct Shared {
    pub assets: assets::Manifest,
    pub markdown: Arc<Markdown>,
    pub base_url: String,
}

impl Shared {
    pub fn new(config: &Config, assets: assets::Manifest) -> Arc<Self> {
        let markdown = Arc::new(Markdown::new(config.build.highlight));
        Arc::new(Self { assets, markdown, base_url: config.site.base_url.clone() })
    }

    /// The same with other assets.
    #[must_use]
    pub fn with_assets(&self, assets: assets::Manifest) -> Arc<Self> {
        let (markdown, base_url) = (Arc::clone(&self.markdown), self.base_url.clone());
        Arc::new(Self { assets, markdown, base_url })
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

impl Press {
    /// Takes the engine over: it learns the site's own values, which every page sees.
    pub fn new(engine: Engine, from: Sources<'_>) -> Result<Self> {
        let Engine(tera) = engine;
        let values = Values::new(from.site);
        let mut press = Self { tera, plain: OnceLock::new(), values };
        press.look_again(from)?;
        engine::check_templates(&press.tera, from.config, from.site)?;
        Ok(press)
    }

    pub fn renderer<'a>(&'a self, from: Sources<'a>) -> Renderer<'a> {
        let Sources { config, theme, site, manifests, shared } = from;
        let values = View { values: &self.values, config, site, shared };
        let (tera, plain) = (&self.tera, &self.plain);
        Renderer { config, site, manifests, tera, plain, theme, values, shared }
    }

    /// Forgets the texts made so far: images in them are known better now.
    pub fn refresh(&mut self, from: Sources<'_>) -> Result<()> {
        self.values = Values::new(from.site);
        self.look_again(from)
    }

    /// Takes other templates.
    pub fn replace(&mut self, engine: Engine, from: Sources<'_>) -> Result<()> {
        let mut tera = std::mem::replace(&mut self.tera, engine.0);
        let looked = self.look_again(from);
        let looked =
            looked.and_then(|()| engine::check_templates(&self.tera, from.config, from.site));
        if looked.is_err() {
            std::mem::swap(&mut self.tera, &mut tera);
        }
        looked
    }

    /// Takes other assets; what was made of rows stands.
    pub fn dress(&mut self, from: Sources<'_>) -> Result<()> {
        functions::register(&mut self.tera, from.shared);
        filters::register(&mut self.tera, from.shared);
        self.look_again(from)
    }

    /// Forgets what was made of texts that show images of which more is known now.
    pub fn images_made(&mut self, from: Sources<'_>) -> Result<()> {
        let is_pending = memchr::memmem::Finder::new(picture::PENDING);
        self.values.forget_where(&|text| is_pending.find(text.as_bytes()).is_some());
        self.look_again(from)
    }

    /// One row was exchanged for another.
    pub fn row_changed(&mut self, collection: &str, row: usize, from: Sources<'_>) -> Result<()> {
        self.values.forget(collection, row);
        self.look_at(collection, from)
    }

    /// One row was taken out.
    pub fn row_gone(&mut self, collection: &str, row: usize, from: Sources<'_>) -> Result<()> {
        if let Some(of) = from.site.collections.get(collection) {
            self.values.gone(collection, row, of);
        }
        self.look_at(collection, from)
    }

    /// One row was put in.
    pub fn row_came(&mut self, collection: &str, row: usize, from: Sources<'_>) -> Result<()> {
        if let Some(of) = from.site.collections.get(collection) {
            self.values.came(collection, row, of);
        }
        self.look_at(collection, from)
    }

    /// Every page sees the rows of some collections.
    fn look_at(&mut self, collection: &str, from: Sources<'_>) -> Result<()> {
        let shows = |name: &String| {
            let of = from.site.collections.get(name).and_then(|it| it.notes.related.as_ref());
            name == collection || of.is_some_and(|related| related.of == collection)
        };
        let is_shared = from.config.site.shared.iter().any(shows);
        if is_shared { self.look_again(from) } else { Ok(()) }
    }

    /// Other things are known of rows, beside their columns: of these, and of which are near.
    pub fn noted(&mut self, rows: &[(String, usize)], from: Sources<'_>) -> Result<()> {
        for (collection, row) in rows {
            self.values.forget(collection, *row);
        }
        self.values.forget_related(from.site);
        self.look_again(from)
    }

    /// Pages of layouts were exchanged for others.
    pub fn laid_out(&mut self, from: Sources<'_>) -> Result<()> {
        self.look_again(from)
    }

    /// The site was assembled anew: rows may have come, gone and moved.
    pub fn rows_moved(&mut self, former: &Site, from: Sources<'_>) -> Result<()> {
        self.values.carry(former, from.site);
        self.look_again(from)?;
        engine::check_templates(&self.tera, from.config, from.site)
    }

    /// What every template of every page sees.
    fn look_again(&mut self, from: Sources<'_>) -> Result<()> {
        self.plain = OnceLock::new();
        let Sources { config, site, shared, .. } = from;
        let values = View { values: &self.values, config, site, shared };
        globals(self.tera.global_context(), config, shared, values)
    }
}

impl Renderer<'_> {
    /// Renders one page; an error names the page, the template and its line.
    pub fn page(&self, page: &Page) -> Result<Rendered> {
        let html = self.html(self.tera, page).map_err(|error| {
            // The same again with the templates as written: their lines are what people know.
            match self.plain() {
                Some(plain) => self.html(plain, page).err().unwrap_or(error),
                None => error,
            }
        })?;
        let html = html.into_bytes();
        let mut needs = inline_sources(&html);
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
            globals(plain.global_context(), self.config, self.shared, self.values).ok()?;
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
    values: View<'_>,
) -> Result<()> {
    context::site(context, config, shared)?;
    context.insert_value("shared", values.shared(&config.site.shared)?);
    Ok(())
}
