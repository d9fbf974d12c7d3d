//! Reading `content/`: which file holds which rows, and where each field stands.

mod json;
mod markdown;
mod text;
mod toml;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use rayon::prelude::*;
use serde_json::{Map, Value};

use crate::config::{Config, From as CollectionFrom};
use crate::error::{Error, Result};
use crate::fs;
use text::Text;

/// Files that belong beside rows and are none: images and other binary files.
const BINARY: [&str; 30] = [
    "png", "jpg", "jpeg", "webp", "avif", "gif", "svg", "bmp", "tif", "tiff", "ico", "heic", "jxl",
    "pdf", "mp4", "webm", "mov", "mp3", "ogg", "wav", "flac", "m4a", "vtt", "woff", "woff2", "ttf",
    "otf", "zip", "gz", "wasm",
];

/// Everything `content/` says, by table, in the order of the files' names.
#[derive(Debug, Default)]
pub struct Content {
    tables: IndexMap<String, Vec<Row>>,
}

/// One row as its file says it.
#[derive(Debug, Clone)]
pub struct Row {
    /// The file's path below the content folder, with `/`.
    pub file: String,
    /// The file's path as messages show it.
    pub path: String,
    /// The line the row begins on, from 1.
    pub line: usize,
    /// The row's name if the file holds no other row: its path below the table's folder, without
    /// the ending.
    pub stem: Option<String>,
    /// The row's columns. Dates and times are text.
    pub fields: Map<String, Value>,
    /// The line each field begins on, in the order of `fields`.
    lines: Vec<usize>,
}

impl Row {
    /// The line a field begins on, or the row's own if it has no such field.
    pub fn line_of(&self, field: &str) -> usize {
        let index = self.fields.keys().position(|key| key == field);
        index.and_then(|index| self.lines.get(index)).copied().unwrap_or(self.line)
    }

    /// `file:line` of the row.
    pub fn place(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }

    /// `file:line` of a field.
    pub fn place_of(&self, field: &str) -> String {
        format!("{}:{}", self.path, self.line_of(field))
    }
}

/// A field with its line, as the formats hand it over.
struct Field {
    name: String,
    value: Value,
    line: usize,
}

/// A row without the name of its file.
struct Parsed {
    line: usize,
    fields: Vec<Field>,
}

impl Content {
    /// Reads every row below `dir`; a folder that is not there holds none.
    pub fn read(dir: &Path, config: &Config) -> Result<Self> {
        let files = fs::files_below(dir)?;
        let places = files.iter().filter_map(|file| place(file).transpose());
        let places = places.collect::<Result<Vec<Place>>>()?;
        reject_strangers(dir, &files, &places, config)?;
        let rows: Vec<Vec<Row>> = places
            .par_iter()
            .map(|place| place.read(dir, body_column(config, &place.table)))
            .collect::<Result<_>>()?;
        let mut tables: IndexMap<String, Vec<Row>> = IndexMap::new();
        for (place, rows) in places.into_iter().zip(rows) {
            tables.entry(place.table).or_default().extend(rows);
        }
        Ok(Self { tables })
    }

    /// The tables that have files, each with its rows.
    pub fn tables(&self) -> impl Iterator<Item = (&str, &[Row])> {
        self.tables.iter().map(|(table, rows)| (table.as_str(), rows.as_slice()))
    }

    /// The rows of one table; none if no file is about it.
    pub fn rows(&self, table: &str) -> &[Row] {
        self.tables.get(table).map_or(&[], Vec::as_slice)
    }

    /// How many rows there are in all.
    pub fn len(&self) -> usize {
        self.tables.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The column a Markdown file's text goes to.
fn body_column<'a>(config: &'a Config, table: &str) -> Option<&'a str> {
    let bare = |name: &str| name.strip_prefix("public.").unwrap_or(name).to_owned();
    let of_table = |from: &CollectionFrom| match from {
        CollectionFrom::Table(name) => bare(name) == bare(table),
        CollectionFrom::Query(_) => false,
    };
    let mut collections = config.collections.values().filter(|found| of_table(&found.from));
    collections.find_map(|collection| collection.markdown.first()).map(String::as_str)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Toml,
    Json,
    Markdown,
}

/// A file of rows: its table and how it is written.
#[derive(Debug)]
struct Place {
    file: PathBuf,
    table: String,
    /// Set if the file is one row.
    stem: Option<String>,
    format: Format,
}

/// What a file below the content folder is, if it holds rows.
fn place(file: &Path) -> Result<Option<Place>> {
    if file.file_name().is_some_and(|name| name == "README.md") {
        return Ok(None);
    }
    let format = match extension(file).as_str() {
        "toml" => Format::Toml,
        "json" => Format::Json,
        "md" => Format::Markdown,
        _ => return Ok(None),
    };
    let Some(text) = file.with_extension("").to_str().map(|text| text.replace('\\', "/")) else {
        return Err(Error::content(format!("the file name {} is not valid UTF-8", file.display()))
            .help("rename the file"));
    };
    let (table, stem) = match text.split_once('/') {
        Some((table, stem)) => (table.to_owned(), Some(stem.to_owned())),
        None => (text, None),
    };
    if format == Format::Markdown && stem.is_none() {
        return Err(Error::content(format!("{} belongs to no table", file.display())).help(
            format!("move it to the folder of its table, as in <table>/{}", file.display()),
        ));
    }
    Ok(Some(Place { file: file.to_owned(), table, stem, format }))
}

fn extension(file: &Path) -> String {
    file.extension().map(|end| end.to_string_lossy().to_ascii_lowercase()).unwrap_or_default()
}

/// A file in a table's folder that is neither a row nor a binary file was meant to be something.
fn reject_strangers(dir: &Path, files: &[PathBuf], rows: &[Place], config: &Config) -> Result<()> {
    let tables = config.collections.values().filter_map(|collection| match &collection.from {
        CollectionFrom::Table(table) => Some(table.as_str()),
        CollectionFrom::Query(_) => None,
    });
    let mut tables: Vec<&str> = tables.chain(config.layouts.as_deref()).collect();
    tables.extend(rows.iter().filter(|row| row.stem.is_some()).map(|row| row.table.as_str()));
    let stranger = files.iter().find(|file| {
        let folder = file.iter().next().and_then(|name| name.to_str()).unwrap_or_default();
        file.iter().count() > 1 && tables.contains(&folder) && is_strange(file)
    });
    stranger.map_or(Ok(()), |file| {
        let help = match extension(file).as_str() {
            "yaml" | "yml" => "write the row as TOML, in a file that ends in .toml",
            "markdown" | "mdx" => "rename it so that it ends in .md",
            _ => "a row is a .md, .toml or .json file; move other files out of the table's folder",
        };
        Err(Error::content(format!("{} is not a row", dir.join(file).display())).help(help))
    })
}

fn is_strange(file: &Path) -> bool {
    let known = ["md", "toml", "json"];
    let extension = extension(file);
    // Editors leave backups that end in a tilde.
    !extension.ends_with('~')
        && !known.contains(&extension.as_str())
        && !BINARY.contains(&extension.as_str())
}

impl Place {
    fn read(&self, dir: &Path, body: Option<&str>) -> Result<Vec<Row>> {
        let path = dir.join(&self.file);
        let text = Text::new(path.display().to_string(), fs::read_text(&path)?);
        let parsed = match (self.format, &self.stem) {
            (Format::Markdown, _) => vec![markdown::row(&text, &self.table, body)?],
            (Format::Toml, Some(_)) => vec![toml::row(&text, text.whole())?],
            (Format::Toml, None) => toml::list(&text, &self.table)?,
            (Format::Json, Some(_)) => vec![json::row(&text)?],
            (Format::Json, None) => json::list(&text)?,
        };
        let file = self.file.to_string_lossy().replace('\\', "/");
        parsed.into_iter().map(|row| self.finish(row, &text, &file)).collect()
    }

    fn finish(&self, row: Parsed, text: &Text, file: &str) -> Result<Row> {
        if row.fields.is_empty() {
            return Err(Error::content(format!(
                "{}:{}: a row without fields",
                text.path, row.line
            ))
            .help("give it fields, or remove it"));
        }
        if let Some(field) = row.fields.iter().find(|field| has_nul(&field.value)) {
            let place = format!("{}:{}", text.path, field.line);
            return Err(Error::content(format!(
                "{place}: {} holds a NUL character, which Postgres cannot store",
                field.name
            ))
            .help("remove the character \\u0000"));
        }
        let lines = row.fields.iter().map(|field| field.line).collect();
        let fields = row.fields.into_iter().map(|field| (field.name, field.value)).collect();
        Ok(Row {
            file: file.to_owned(),
            path: text.path.clone(),
            line: row.line,
            stem: self.stem.clone(),
            fields,
            lines,
        })
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains('\0') || has_nul(value)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
