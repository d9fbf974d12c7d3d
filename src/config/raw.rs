//! `frieze.toml` as it is written: every key the file may hold, and nothing decided yet.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub site: RawSite,
    #[serde(default)]
    pub build: RawBuild,
    #[serde(default)]
    pub database: RawDatabase,
    pub layouts: Option<RawLayouts>,
    #[serde(default)]
    pub images: RawImages,
    #[serde(default)]
    pub cache: RawCache,
    #[serde(default)]
    pub enrich: RawEnrich,
    #[serde(default)]
    pub hook: RawHook,
    #[serde(default)]
    pub collections: IndexMap<String, RawCollection>,
    #[serde(default)]
    pub pages: Vec<RawPage>,
    #[serde(default)]
    pub json: IndexMap<String, IndexMap<String, RawJsonField>>,
    #[serde(default)]
    pub redirects: Vec<RawRedirect>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawSite {
    pub title: String,
    pub base_url: Option<String>,
    #[serde(default)]
    pub description: String,
    pub language: Option<String>,
    #[serde(default)]
    pub author: String,
    pub image: Option<String>,
    pub theme_color: Option<String>,
    pub background_color: Option<String>,
    #[serde(default)]
    pub shared: Vec<String>,
    #[serde(default)]
    pub nav: Vec<RawNavItem>,
    #[serde(default)]
    pub extra: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNavItem {
    pub label: String,
    pub href: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawBuild {
    pub output: Option<String>,
    pub content: Option<String>,
    pub templates: Option<String>,
    #[serde(rename = "static")]
    pub static_files: Option<String>,
    pub migrations: Option<String>,
    pub target: Option<String>,
    pub highlight: Option<bool>,
    pub minify: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawDatabase {
    pub url_env: Option<String>,
    pub data_dir: Option<String>,
    pub role: Option<String>,
    pub kits: Option<Vec<String>>,
    pub retry_seconds: Option<u64>,
    pub on_unreachable: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawLayouts {
    pub table: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawImages {
    pub formats: Option<Vec<String>>,
    pub quality: Option<u64>,
    pub target_score: Option<u64>,
    pub widths: Option<Vec<u32>>,
    pub text_sizes: Option<String>,
    pub placeholders: Option<bool>,
    pub hosts: Vec<String>,
    pub storage_env: Option<String>,
    pub max_megapixels: Option<u64>,
    pub max_download_mb: Option<u64>,
    pub megapixels_in_flight: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawCache {
    pub folder: Option<String>,
    pub max_size_mb: Option<u64>,
    pub remote: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawEnrich {
    pub window_seconds: Option<u64>,
    pub concurrency: Option<u64>,
    pub lease_seconds: Option<u64>,
    pub cache_hours: Option<u64>,
    pub memories: Option<u64>,
    pub detect: Option<bool>,
    pub providers: Vec<RawProvider>,
    pub tasks: IndexMap<String, RawTask>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawProvider {
    pub name: Option<String>,
    pub kind: String,
    pub base_url: Option<String>,
    pub key_env: Option<String>,
    pub model: Option<String>,
    pub embedding_model: Option<String>,
    pub private: Option<bool>,
    pub insecure: Option<bool>,
    pub json_schema: Option<bool>,
    pub code: Option<bool>,
    pub vision: Option<bool>,
    pub requests_per_minute: Option<u64>,
    pub requests_per_day: Option<u64>,
    pub timeout_seconds: Option<u64>,
    pub cost_in: Option<f64>,
    pub cost_out: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawTask {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub collection: Option<String>,
    pub column: Option<String>,
    pub from: Vec<String>,
    pub detect: Option<bool>,
    pub private: Option<bool>,
    pub needs: Vec<String>,
    pub provider: Option<String>,
    pub model: Option<String>,
    pub max_attempts: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawHook {
    pub quiet_seconds: Option<u64>,
    pub max_wait_seconds: Option<u64>,
    pub deploys_per_day: Option<u32>,
    pub tables: Vec<String>,
    pub url_env: Option<String>,
    pub key_env: Option<String>,
    pub secret_env: Option<String>,
    pub notify_env: Option<String>,
    pub notify_secret_env: Option<String>,
    pub command: Vec<String>,
    pub command_minutes: Option<u64>,
    pub state: Option<String>,
    pub poll_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCollection {
    pub table: Option<String>,
    pub query: Option<String>,
    #[serde(default)]
    pub parameters: Vec<RawParameter>,
    pub order_by: Option<String>,
    #[serde(default)]
    pub markdown: Vec<String>,
    #[serde(default)]
    pub html: Vec<String>,
    #[serde(default)]
    pub images: Vec<String>,
    pub image_quality: Option<u64>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub updated: Option<String>,
    pub page: Option<RawRowPage>,
    pub list: Option<RawList>,
    pub group: Option<OneOrMany<RawGroup>>,
    pub feed: Option<RawFeed>,
    pub related: Option<RawRelated>,
}

#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "a parameter is text, a number, true or false, an array of texts, or { env = \"NAME\" }"
)]
pub enum RawParameter {
    Value(RawValue),
    Variable(RawVariable),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum RawValue {
    Text(String),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Texts(Vec<String>),
}

/// The text of an environment variable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawVariable {
    pub env: String,
    pub default: Option<RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRowPage {
    pub path: String,
    pub template: String,
    #[serde(default)]
    pub collections: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawList {
    pub path: String,
    pub template: String,
    pub per_page: Option<usize>,
    pub title: Option<String>,
    #[serde(default)]
    pub description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGroup {
    pub by: String,
    pub path: String,
    pub template: String,
    pub title: Option<String>,
    pub per_page: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawFeed {
    pub path: String,
    pub limit: Option<usize>,
    pub title: Option<String>,
    pub content: Option<String>,
    pub published: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRelated {
    pub limit: Option<usize>,
    #[serde(rename = "in")]
    pub of: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawPage {
    pub path: String,
    pub template: String,
    pub title: Option<String>,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub collections: Vec<String>,
    #[serde(default)]
    pub limit: BTreeMap<String, usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawJsonField {
    pub collection: String,
    pub order_by: Option<String>,
    #[serde(default)]
    pub first: bool,
    #[serde(default)]
    pub omit: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawRedirect {
    pub from: String,
    pub to: String,
    pub status: Option<u16>,
}
