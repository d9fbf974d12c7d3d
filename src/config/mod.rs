//! The configuration: `frieze.toml` and the environment, read once, checked, and then only values.

mod check;
mod collections;
mod enrich;
mod hook;
mod images;
mod order;
mod parameters;
mod path;
mod raw;
mod secret;

use std::path::{Path, PathBuf};
use std::time::Duration;

use indexmap::IndexMap;

pub use enrich::{Capability, Enrich, Provider, ProviderKind, TaskSettings};
pub use hook::Hook;
pub use images::{Cache, Format, Images, Quality};
pub use path::{PathTemplate, page_path};
pub use secret::Secret;

use crate::error::{Error, Result};
use crate::fs;

/// The name of the configuration file in a site's folder.
pub const FILE_NAME: &str = "frieze.toml";

/// A whole site's checked configuration. All paths are absolute or relative to the working folder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder that holds `frieze.toml`.
    pub root: PathBuf,
    pub site: Site,
    pub build: Build,
    pub database: Database,
    /// The table that holds page layouts, if the site has any.
    pub layouts: Option<String>,
    pub images: Images,
    pub cache: Cache,
    pub enrich: Enrich,
    pub hook: Hook,
    pub collections: IndexMap<String, Collection>,
    pub pages: Vec<FixedPage>,
    pub json: Vec<JsonFile>,
    pub redirects: Vec<Redirect>,
}

#[derive(Debug, Clone)]
pub struct Site {
    pub title: String,
    /// Scheme and host, and a path if the site lives below one; never ends with `/`.
    pub base_url: String,
    pub description: String,
    pub language: String,
    pub author: String,
    /// The image that stands for pages without one of their own, as a path in `content/`.
    pub image: Option<String>,
    pub theme_color: String,
    pub background_color: String,
    /// Collections whose rows every page's shell may read.
    pub shared: Vec<String>,
    pub nav: Vec<NavItem>,
    pub extra: serde_json::Value,
}

#[derive(Debug, Clone)]
pub struct NavItem {
    pub label: String,
    pub href: String,
}

#[derive(Debug, Clone)]
pub struct Build {
    pub output: PathBuf,
    pub content: PathBuf,
    pub templates: PathBuf,
    pub static_files: PathBuf,
    pub migrations: PathBuf,
    pub target: Target,
    pub highlight: bool,
    pub minify: bool,
    /// Publish a site that is less than half of what it was.
    pub allow_shrink: bool,
}

/// Whose rules are written beside the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// A plain folder with `_headers` and `_redirects`, as Netlify and Cloudflare Pages read them.
    Static,
    /// Vercel's Build Output API, in `.vercel/output`.
    Vercel,
}

#[derive(Debug, Clone)]
pub struct Database {
    /// The connection string, if one is configured; the embedded Postgres otherwise.
    pub url: Option<Secret>,
    /// The environment variable the connection string comes from, for messages.
    pub url_env: String,
    /// Where the embedded Postgres keeps its files.
    pub data_dir: PathBuf,
    /// The role content is read as.
    pub role: String,
    /// Which sets of built-in tables to migrate, beside the engine's own.
    pub kits: Vec<String>,
    /// How long a server that is away for a moment is waited for.
    pub patience: Duration,
    pub on_unreachable: OnUnreachable,
    /// Build from the last snapshot without asking the database.
    pub offline: bool,
}

/// What a build does where there is no way to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnUnreachable {
    Fail,
    /// It takes what the last read left.
    Snapshot,
}

#[derive(Debug, Clone)]
pub struct Collection {
    pub name: String,
    pub from: From,
    pub order_by: Option<String>,
    pub markdown: Vec<String>,
    pub html: Vec<String>,
    pub images: Vec<String>,
    /// The quality of images in its rows, where it is not the site's.
    pub image_quality: Option<u8>,
    /// Columns a row's title, description and last change are taken from, if named.
    pub title: Option<String>,
    pub description: Option<String>,
    pub updated: Option<String>,
    pub page: Option<RowPage>,
    pub list: Option<List>,
    pub groups: Vec<Group>,
    pub feed: Option<Feed>,
    pub related: Option<Related>,
}

impl Collection {
    /// Columns that hold whole texts.
    pub fn long_texts(&self) -> Vec<String> {
        self.markdown.iter().chain(&self.html).cloned().collect()
    }
}

/// Where a collection's rows come from.
#[derive(Debug, Clone, PartialEq)]
pub enum From {
    Table(String),
    Query { sql: String, parameters: Vec<Parameter> },
}

/// A value for `$1`, `$2`, … of a query.
#[derive(Debug, Clone, PartialEq)]
pub enum Parameter {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Texts(Vec<String>),
}

#[derive(Debug, Clone)]
pub struct RowPage {
    pub path: PathTemplate,
    pub template: String,
    pub collections: Vec<String>,
}

#[derive(Debug, Clone)]
pub struct List {
    pub path: String,
    pub template: String,
    pub per_page: usize,
    pub title: String,
    pub description: String,
}

#[derive(Debug, Clone)]
pub struct Group {
    pub by: String,
    pub path: PathTemplate,
    pub template: String,
    /// The page title, with `{key}` where the group's key goes.
    pub title: String,
    pub per_page: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Feed {
    pub path: String,
    pub limit: usize,
    pub title: String,
    /// The column that holds an entry's text, if entries carry any.
    pub content: Option<String>,
    pub published: Option<String>,
}

/// Rows that say much the same as a row does, by their vectors.
#[derive(Debug, Clone)]
pub struct Related {
    pub limit: usize,
    /// The collection that they are from.
    pub of: String,
}

/// A page that exists once, from a template and some collections.
#[derive(Debug, Clone)]
pub struct FixedPage {
    pub path: String,
    pub template: String,
    pub title: String,
    pub description: String,
    /// Each collection with how many of its rows the page reads.
    pub collections: Vec<(String, Option<usize>)>,
}

/// A JSON file made of collections, for clients that read data rather than pages.
#[derive(Debug, Clone)]
pub struct JsonFile {
    pub path: String,
    pub fields: Vec<JsonField>,
}

#[derive(Debug, Clone)]
pub struct JsonField {
    pub name: String,
    pub collection: String,
    /// Columns to sort by; the collection's own order where empty.
    pub order_by: Vec<OrderBy>,
    /// One object, the first row, instead of an array.
    pub first: bool,
    /// Columns to leave out.
    pub omit: Vec<String>,
}

/// One column of an order, as in SQL: nulls come last when ascending, first when descending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderBy {
    pub column: String,
    pub descending: bool,
    pub nulls_first: bool,
}

#[derive(Debug, Clone)]
pub struct Redirect {
    pub from: String,
    pub to: String,
    pub status: u16,
}

/// What the command line and the environment may override.
#[derive(Debug, Clone, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct Overrides {
    pub base_url: Option<String>,
    pub output: Option<PathBuf>,
    pub target: Option<Target>,
    pub allow_missing_images: bool,
    pub allow_shrink: bool,
    pub offline: bool,
    /// How long models get, in seconds.
    pub enrich_window: Option<u64>,
    /// The build goes live.
    pub deploy: bool,
}

impl Config {
    /// Reads and checks the configuration of the site in `root`; `env` looks a variable up.
    pub fn load(
        root: &Path,
        overrides: &Overrides,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let file = root.join(FILE_NAME);
        if !file.exists() {
            return Err(Error::config(format!("there is no {}", file.display()))
                .help("run frieze in a site's folder, name one with --root, or make one with `frieze init DIR`"));
        }
        let text = fs::read_text(&file)?;
        let raw: raw::Raw = toml::from_str(&text).map_err(|error| {
            Error::config(format!("{} is not valid", file.display()))
                .because(Error::config(error.to_string().trim_end().to_owned()))
                .help("docs/configuration.md lists every key")
        })?;
        check::check(root, raw, overrides, env)
    }

    /// Hosts and paths of the site: `base_url` and a rooted path, joined.
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.site.base_url)
    }
}
