//! Which files hold rows, of which table, and how they are written.

use std::path::{Path, PathBuf};

use super::text::Text;
use super::{Parsed, Row, json, markdown, toml};
use crate::config::{Config, From as CollectionFrom};
use crate::error::{Error, Result};
use crate::fs;

/// Files that belong beside rows and are none: images and other binary files.
const BINARY: [&str; 30] = [
    "png", "jpg", "jpeg", "webp", "avif", "gif", "svg", "bmp", "tif", "tiff", "ico", "heic", "jxl",
    "pdf", "mp4", "webm", "mov", "mp3", "ogg", "wav", "flac", "m4a", "vtt", "woff", "woff2", "ttf",
    "otf", "zip", "gz", "wasm",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::db) enum Format {
    Toml,
    Json,
    Markdown,
}

/// A file of rows.
#[derive(Debug, Clone)]
pub(in crate::db) struct Place {
    /// Its path below the content folder.
    pub path: PathBuf,
    /// The same with `/` on every system.
    pub name: String,
    pub table: String,
    /// Set if the file is one row.
    pub stem: Option<String>,
    pub format: Format,
}

impl Place {
    /// What a file below the content folder is, if it holds rows.
    pub fn of(path: &Path) -> Result<Option<Self>> {
        let Some(format) = format(path) else { return Ok(None) };
        let parts: Option<Vec<&str>> = path.iter().map(|part| part.to_str()).collect();
        let Some(parts) = parts else {
            let message = format!("the file name {} is not valid UTF-8", path.display());
            return Err(Error::content(message).help("rename the file"));
        };
        let name = parts.join("/");
        let whole = name.rsplit_once('.').map_or(name.as_str(), |(whole, _)| whole);
        let (table, stem) = match whole.split_once('/') {
            Some((table, stem)) => (table.to_owned(), Some(stem.to_owned())),
            None if format == Format::Markdown => return Err(homeless(&name)),
            None => (whole.to_owned(), None),
        };
        Ok(Some(Self { path: path.to_owned(), name, table, stem, format }))
    }

    /// The file's rows.
    pub fn read(&self, dir: &Path, config: &Config) -> Result<Vec<Row>> {
        let path = dir.join(&self.path);
        self.rows(dir, fs::read_text(&path)?, body_column(config, &self.table))
    }

    /// The rows of a text that is the file's, or shall be.
    pub fn rows(&self, dir: &Path, text: String, body: Option<&str>) -> Result<Vec<Row>> {
        let text = Text::new(dir.join(&self.path).display().to_string(), text);
        let rows = self.parse(&text, body)?;
        rows.into_iter().map(|row| row.finish(&text, &self.name, self.stem.as_ref())).collect()
    }

    fn parse(&self, text: &Text, body: Option<&str>) -> Result<Vec<Parsed>> {
        match (self.format, &self.stem) {
            (Format::Markdown, _) => Ok(vec![markdown::row(text, &self.table, body)?]),
            (Format::Toml, Some(_)) => Ok(vec![toml::row(text, text.whole())?]),
            (Format::Toml, None) => toml::list(text, &self.table),
            (Format::Json, Some(_)) => Ok(vec![json::row(text)?]),
            (Format::Json, None) => json::list(text),
        }
    }
}

/// How a file's rows are written; none if it holds none.
fn format(path: &Path) -> Option<Format> {
    match extension(path).as_str() {
        _ if path.file_name().is_some_and(|name| name == "README.md") => None,
        "toml" => Some(Format::Toml),
        "json" => Some(Format::Json),
        "md" => Some(Format::Markdown),
        _ => None,
    }
}

fn extension(path: &Path) -> String {
    path.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

fn homeless(name: &str) -> Error {
    Error::content(format!("{name} in the content folder belongs to no table"))
        .help(format!("move it to the folder of its table, as in <table>/{name}"))
}

/// The column a Markdown file's text goes to.
pub(in crate::db) fn body_column<'a>(config: &'a Config, table: &str) -> Option<&'a str> {
    let is_of_table = |from: &CollectionFrom| match from {
        CollectionFrom::Table(name) => bare(name) == bare(table),
        CollectionFrom::Query { .. } => false,
    };
    let mut collections = config.collections.values().filter(|found| is_of_table(&found.from));
    collections.find_map(|collection| collection.markdown.first()).map(String::as_str)
}

pub(in crate::db) fn bare(table: &str) -> &str {
    table.strip_prefix("public.").unwrap_or(table)
}

/// A file in a table's folder that is neither a row nor a binary file was meant to be something.
pub(in crate::db) fn reject_strangers(
    dir: &Path,
    files: &[PathBuf],
    places: &[Place],
    config: &Config,
) -> Result<()> {
    let tables = table_folders(places, config);
    let stranger = files.iter().find(|file| {
        let mut parts = file.iter();
        let folder = parts.next().and_then(|name| name.to_str()).unwrap_or_default();
        parts.next().is_some() && tables.contains(&folder) && is_strange(file)
    });
    stranger.map_or(Ok(()), |file| Err(strange(&dir.join(file))))
}

/// The same of one file, where only the folder's rows are known.
pub(in crate::db) fn reject_stranger(
    dir: &Path,
    file: &Path,
    config: &Config,
    holds_rows: impl Fn(&str) -> bool,
) -> Result<()> {
    let mut parts = file.iter();
    let folder = parts.next().and_then(|name| name.to_str()).unwrap_or_default();
    let is_tables = table_folders(&[], config).contains(&folder) || holds_rows(folder);
    if parts.next().is_some() && is_tables && is_strange(file) {
        return Err(strange(&dir.join(file)));
    }
    Ok(())
}

/// Folders that belong to tables: those the configuration names and those that hold rows.
fn table_folders<'a>(places: &'a [Place], config: &'a Config) -> Vec<&'a str> {
    let collections = config.collections.values().filter_map(|collection| match &collection.from {
        CollectionFrom::Table(table) => Some(table.as_str()),
        CollectionFrom::Query { .. } => None,
    });
    let mut folders: Vec<&str> = collections.chain(config.layouts.as_deref()).map(bare).collect();
    let of_one_row = places.iter().filter(|place| place.stem.is_some());
    folders.extend(of_one_row.map(|place| place.table.as_str()));
    folders.sort_unstable();
    folders.dedup();
    folders
}

fn is_strange(path: &Path) -> bool {
    let extension = extension(path);
    // Editors leave backups that end in a tilde.
    let is_known = ["md", "toml", "json"].contains(&extension.as_str());
    !is_known && !extension.ends_with('~') && !BINARY.contains(&extension.as_str())
}

fn strange(path: &Path) -> Error {
    let help = match extension(path).as_str() {
        "yaml" | "yml" => "write the row as TOML, in a file that ends in .toml",
        "markdown" | "mdx" => "rename it so that it ends in .md",
        _ => "a row is a .md, .toml or .json file; move other files out of the table's folder",
    };
    Error::content(format!("{} is not a row", path.display())).help(help)
}
