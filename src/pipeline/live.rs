//! The site kept in memory, for whoever serves it while it is edited: the values of a build, each
//! page rendered when it is asked for, and every change at the cost of what hangs on it.

mod assets;
mod beside;
mod changes;
mod elsewhere;
mod inline;
mod moves;
mod places;
mod prints;
mod reread;
mod rows;
mod timing;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use indexmap::IndexMap;

pub use assets::Swaps;
pub use elsewhere::{Fetched, Wanted};
use inline::{Inline, alike};
use rows::Change;
pub use rows::{Change as RowChange, Keeper};
pub use timing::{Timing, Timings};

use super::inputs::{self, Health};
use super::outputs::{Extras, csp};
use super::pages::variant;
use super::{MOST_ROUNDS, Prepared, pictures, reading};
use crate::assets::Manifest;
use crate::assets::images::Works;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::model::{self, Body, Hash, Manifests, Page, PageIndex, Row, Site};
use crate::publish::hosts::{Csp, HeaderRule, rules};
use crate::render::{Engine, Keys, Press, Rendered, Renderer, Shared, Sources};
use crate::source::{LayoutRow, Snapshot};
use crate::theme::{Theme, Touched};

/// Every value of a build, and what is made of them.
pub struct Live {
    pub config: Config,
    theme: Theme,
    manifests: Manifests,
    shared: Arc<Shared>,
    press: Press,
    works: Arc<Works>,
    /// The newest rows and layouts; the site is assembled of them.
    snapshot: Snapshot,
    /// Every version of every layout, where drafts are shown.
    drafts: Option<Vec<LayoutRow>>,
    site: Site,
    stale: Stale,
    /// The position of each page by its path.
    pages: PageIndex,
    /// Its images were not looked for since they or the site changed, or one is missing.
    unchecked: bool,
    /// A manifest could not be read since it changed.
    unread: bool,
    /// Templates that could not be read when they were looked at.
    unreadable: BTreeSet<String>,
    /// Images elsewhere that texts name, of the rows there are and of some there were.
    mentioned: elsewhere::Named,
    /// Texts changed since all of them were looked through for those.
    reworded: bool,
    inline: Inline,
    /// What templates show of when rows were touched.
    touched: Touched,
    pub timings: Timings,
}

/// How much of the site is not what it would be of the newest rows and manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stale {
    Nothing,
    /// Pages of layouts, whose manifests are others.
    Layouts,
    /// All of it: something may be wrong with rows.
    Whole,
}

/// What is served at a path.
pub enum Found {
    Page(Rendered),
    File(Vec<u8>),
    /// A file that was written since its name was made of what it held.
    Changing(Vec<u8>),
}

impl Live {
    /// Prepares everything; the rows are read already. What is wrong with single things is left
    /// for the pages that show them.
    pub fn new(
        config: Config,
        ready: Ready,
        snapshot: Snapshot,
        drafts: Option<Vec<LayoutRow>>,
    ) -> Result<Self> {
        let Ready(Prepared { theme, manifests, shared, engine }) = ready;
        let site = assemble(&snapshot, drafts.as_deref(), &config, &manifests)?;
        let mentioned = elsewhere::mentioned(&config, &site, &shared)?;
        elsewhere::begin(&config, &site, &mentioned, &shared.assets.images);
        let from = Sources {
            config: &config,
            theme: &theme,
            site: &site,
            manifests: &manifests,
            shared: &shared,
        };
        let press = Press::new(engine, from)?;
        let works = Arc::new(Works::start(&shared.assets.images)?);
        let pages = PageIndex::new(&site);
        let (inline, timings) = (Inline::default(), Timings::default());
        inline.begin(&theme);
        let touched = Touched::in_theme(&theme);
        Ok(Self {
            config,
            theme,
            manifests,
            shared,
            press,
            works,
            snapshot,
            drafts,
            site,
            stale: Stale::Nothing,
            pages,
            unchecked: true,
            unread: false,
            unreadable: BTreeSet::new(),
            mentioned,
            reworded: false,
            inline,
            touched,
            timings,
        })
    }

    fn sources(&self) -> Sources<'_> {
        let Self { config, theme, manifests, shared, site, .. } = self;
        Sources { config, theme, site, manifests, shared }
    }

    fn renderer(&self) -> Renderer<'_> {
        self.press.renderer(self.sources())
    }

    /// The page of a path.
    pub fn page_at(&self, path: &str) -> Option<&Page> {
        self.pages.find(&self.site, path).and_then(|page| self.site.pages.get(page))
    }

    /// What a build would publish at a path; nothing where it would publish nothing. A page that
    /// shows a new image says so, and has asked for it to be made.
    pub fn at(&self, path: &str) -> Result<Option<Found>> {
        if let Some(page) = self.page_at(path) {
            return self.render(page, None).map(|page| Some(Found::Page(page)));
        }
        if let Some(asset) = self.shared.assets.at(path) {
            let bytes = asset.bytes()?.into_owned();
            let is = asset.is_named_by(&bytes);
            return Ok(Some(if is { Found::File(bytes) } else { Found::Changing(bytes) }));
        }
        if let Some(variant) = self.shared.assets.images.variant(path) {
            return self.shared.assets.images.bytes(&variant).map(|bytes| Some(Found::File(bytes)));
        }
        let renderer = self.renderer();
        let extras = Extras {
            config: &self.config,
            site: &self.site,
            renderer: &renderer,
            assets: &self.shared.assets,
        };
        Ok(extras.at(path, &|| self.health())?.map(Found::File))
    }

    /// What the site is made from.
    fn health(&self) -> Result<Health> {
        let Self { config, theme, shared, snapshot, site, .. } = self;
        let inputs = inputs::of(config, theme, &shared.assets, snapshot)?;
        let keys = Keys::of_content(config, site);
        Ok(Health::new(&snapshot.fingerprint(), inputs, &keys, site))
    }

    /// Whether templates show other columns than when the rows were read, so that these are to be
    /// read again.
    pub fn wants_rows(&mut self) -> bool {
        let now = Touched::in_theme(&self.theme);
        let differs = now != self.touched;
        self.touched = now;
        differs
    }

    /// A page of a layout's version, published or not.
    pub fn draft(&self, path: &str, version: i32) -> Result<Option<Rendered>> {
        let Some(Page { body: Body::Layout { name, .. }, .. }) = self.page_at(path) else {
            return Ok(None);
        };
        let drafts = self.drafts.as_deref().unwrap_or_default();
        let found = drafts.iter().find(|it| it.page == *name && it.version == version);
        let Some(found) = found else { return Ok(None) };
        let page = model::layout_page(found.clone(), &self.config, &self.manifests)?;
        self.render(&page, Some(version)).map(Some)
    }

    fn render(&self, page: &Page, draft: Option<i32>) -> Result<Rendered> {
        let begun = Instant::now();
        let rendered = self.renderer().page(page)?;
        self.timings.note(&page.path, &page.template, begun.elapsed(), rendered.html.len());
        self.inline.learn(page, draft, &rendered.needs);
        if rendered.pending {
            let variants = rendered.needs.iter().filter_map(|need| variant(need));
            variants.for_each(|variant| self.works.request(&variant));
        }
        Ok(rendered)
    }

    /// The header rules of a build, as far as the pages seen so far tell them, and for what a page
    /// holds itself.
    pub fn header_rules(&self, own: &[String]) -> Vec<HeaderRule> {
        let mut sources = self.inline.sources();
        sources.extend(own.iter().cloned());
        let hashes: Csp = csp(&sources);
        rules(&hashes)
    }

    /// So often a page is rendered before its images must be there.
    pub const ROUNDS: usize = MOST_ROUNDS + 1;

    /// Renders one page of each that are alike, so that header rules are whole from the start.
    pub fn warm(&self) {
        for (_, page) in alike(&self.site.pages) {
            // What is wrong with it is told to whoever asks for it.
            let _ = self.render(page, None);
        }
    }

    /// The pages that have to be looked at before header rules are whole. Whoever asks looks at
    /// them, or says that they were [left out](Self::left_out).
    pub fn unseen(&self) -> Vec<String> {
        self.inline.unknown(&self.site.pages)
    }

    pub fn look_at(&self, path: &str) {
        if let Some(page) = self.page_at(path) {
            let _ = self.render(page, None);
        }
    }

    pub fn left_out(&self) {
        self.inline.interrupted();
    }

    /// Looks at templates again. One that cannot be read keeps none of the others back.
    pub fn templates_changed(&mut self, names: &[String]) -> Result<()> {
        let mut names: BTreeSet<String> = names.iter().cloned().collect();
        names.append(&mut self.unreadable);
        let mut read = Ok(());
        for name in &names {
            if let Err(error) = self.theme.reload_template(&self.config, name) {
                read = read.and(Err(error));
                self.unreadable.insert(name.clone());
            }
        }
        let templates = read.and(self.reload());
        self.unread |= names.iter().any(|name| name.ends_with(".toml"));
        if self.unread {
            let files = self.theme.manifests();
            self.manifests = Manifests::parse(
                files.map(|(name, file)| (name, file.origin.as_str(), file.text.as_str())),
            )?;
            self.unread = false;
            self.stale = self.stale.max(Stale::Layouts);
        }
        templates
    }

    /// Parses the templates there are; the former stand where one cannot be read.
    fn reload(&mut self) -> Result<()> {
        let engine = Engine::load(&self.theme, &self.shared, self.config.build.minify)?;
        // Scripts that pages held once are no longer allowed.
        self.inline.begin(&self.theme);
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        press.replace(engine, Sources { config, theme, site, manifests, shared })
    }

    /// The newest rows of a collection.
    pub fn rows(&self, collection: &str) -> &[Row] {
        self.snapshot.collections.get(collection).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether these are the layouts there are.
    fn has_layouts(&self, layouts: &[LayoutRow], drafts: Option<&[LayoutRow]>) -> bool {
        self.snapshot.layouts == layouts && self.drafts.as_deref() == drafts
    }

    /// The site anew, of the rows and layouts there are. Where that fails, the former one stands.
    fn assemble(&mut self) -> Result<()> {
        self.stale = Stale::Whole;
        let site = assemble(&self.snapshot, self.drafts.as_deref(), &self.config, &self.manifests)?;
        let former = std::mem::replace(&mut self.site, site);
        self.pages = PageIndex::new(&self.site);
        self.inline.moved();
        let Self { config, theme, manifests, shared, site, press, .. } = self;
        press.rows_moved(&former, Sources { config, theme, site, manifests, shared })?;
        self.stale = Stale::Nothing;
        Ok(())
    }

    /// Assembles the site anew, where rows, layouts or manifests ask for that, or could not be
    /// assembled the last time.
    pub fn settle(&mut self) -> Result<()> {
        if self.stale == Stale::Layouts {
            let layouts = shown(&self.snapshot.layouts, self.drafts.as_deref());
            let is_done = self.lay_out(layouts).unwrap_or(false);
            self.stale = if is_done { Stale::Nothing } else { Stale::Whole };
        }
        if self.stale == Stale::Nothing {
            return Ok(());
        }
        self.assemble()?;
        (self.unchecked, self.reworded) = (true, true);
        self.mention_layouts();
        Ok(())
    }

    /// Whether a file of `content/` is a picture rather than rows.
    pub fn is_picture(name: &str) -> bool {
        crate::assets::is_image(name)
    }

    pub fn site(&self) -> &Site {
        &self.site
    }

    pub fn manifests(&self) -> &Manifests {
        &self.manifests
    }

    pub fn theme(&self) -> &Theme {
        &self.theme
    }

    pub fn assets(&self) -> &Manifest {
        &self.shared.assets
    }

    pub fn drafts(&self) -> Option<&[LayoutRow]> {
        self.drafts.as_deref()
    }

    pub fn fingerprint(&self) -> Hash {
        self.snapshot.fingerprint()
    }
}

/// Where drafts are shown, a page is its highest version, published or not.
fn shown(layouts: &[LayoutRow], drafts: Option<&[LayoutRow]>) -> Vec<LayoutRow> {
    let Some(drafts) = drafts else { return layouts.to_vec() };
    let mut newest: IndexMap<&str, &LayoutRow> = IndexMap::new();
    for draft in drafts {
        newest.entry(&draft.page).or_insert(draft);
    }
    newest.into_values().cloned().collect()
}

fn assemble(
    snapshot: &Snapshot,
    drafts: Option<&[LayoutRow]>,
    config: &Config,
    manifests: &Manifests,
) -> Result<Site> {
    let mut snapshot = snapshot.clone();
    snapshot.layouts = shown(&snapshot.layouts, drafts);
    model::assemble(snapshot, config, manifests)
}

/// What a site needs beside its rows; to be made while they are read.
pub struct Ready(Prepared);

impl Ready {
    pub fn new(config: &Config) -> Result<Self> {
        let cache = Arc::new(pictures::cache(config)?);
        Prepared::new(config, &cache).map(Self)
    }
}

/// What to say of images that never became ready.
pub fn never_made(path: &str) -> Error {
    Error::other(format!("the images of {path} were not made"))
        .help("something else cleared the cache meanwhile: load the page again")
}
