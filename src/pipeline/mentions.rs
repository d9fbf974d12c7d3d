//! Remote images that texts show: found by rendering those texts that hold an allowed address, and
//! noting what images they ask for.

use std::sync::Mutex;

use serde_json::Value;

use crate::config::{Collection, Config};
use crate::error;
use crate::model::{Body, Row, Section, Site};
use crate::render::Shared;
use crate::render::markdown::{ImageResolver, ResolvedImage};

/// URLs beginning with one of the prefixes, each with the place that mentions it.
pub fn in_texts(
    config: &Config,
    site: &Site,
    shared: &Shared,
    prefixes: &[String],
) -> error::Result<Vec<(String, String)>> {
    if prefixes.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for (name, collection) in &site.collections {
        let Some(config) = config.collections.get(name) else { continue };
        found.extend(in_rows(config, collection.rows.iter(), shared, prefixes)?);
    }
    found.extend(in_layouts(site, shared, prefixes));
    Ok(found)
}

/// Those in some rows of a collection.
pub fn in_rows<'a>(
    config: &Collection,
    rows: impl Iterator<Item = &'a Row>,
    shared: &Shared,
    prefixes: &[String],
) -> error::Result<Vec<(String, String)>> {
    let mut reader = Reader { shared, prefixes, found: Vec::new() };
    let name = &config.name;
    for row in rows {
        for column in config.markdown.iter().chain(&config.html) {
            if let Some(Value::String(text)) = row.field(column)?.as_deref() {
                let place = || format!("{name}, the row with {}, column {column}", row.label());
                reader.text(text, place);
            }
        }
    }
    Ok(reader.found)
}

/// Those in the sections of layout pages.
pub fn in_layouts(site: &Site, shared: &Shared, prefixes: &[String]) -> Vec<(String, String)> {
    let mut reader = Reader { shared, prefixes, found: Vec::new() };
    for page in &site.pages {
        if let Body::Layout { sections, .. } = &page.body {
            reader.sections(sections, &page.label());
        }
    }
    reader.found
}

struct Reader<'a> {
    shared: &'a Shared,
    prefixes: &'a [String],
    found: Vec<(String, String)>,
}

impl Reader<'_> {
    fn text(&mut self, text: &str, place: impl Fn() -> String) {
        let holds =
            |prefix: &String| memchr::memmem::find(text.as_bytes(), prefix.as_bytes()).is_some();
        if !self.prefixes.iter().any(holds) {
            return;
        }
        let notes = Notes::default();
        // Markdown may hold HTML, so one reading does for both; what is wrong with the text is told
        // when it is rendered.
        let _ = self.shared.markdown.render(text, &notes);
        let _ = self.shared.markdown.sanitize(text, &notes);
        let noted = notes.0.into_inner().unwrap_or_default();
        let allowed =
            noted.into_iter().filter(|url| self.prefixes.iter().any(|p| url.starts_with(p)));
        self.found.extend(allowed.map(|url| (url, place())));
    }

    fn sections(&mut self, sections: &[Section], page: &str) {
        for section in sections {
            let place = || format!("{page}, section \"{}\" ({})", section.id, section.kind);
            for value in section.config.values() {
                self.value(value, &place);
            }
            section.slots.values().for_each(|children| self.sections(children, page));
        }
    }

    fn value(&mut self, value: &Value, place: &dyn Fn() -> String) {
        match value {
            Value::String(text) => self.text(text, place),
            Value::Array(items) => items.iter().for_each(|item| self.value(item, place)),
            Value::Object(fields) => fields.values().for_each(|field| self.value(field, place)),
            _ => {}
        }
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl ImageResolver for Notes {
    fn resolve(&self, src: &str) -> Result<Option<ResolvedImage>, String> {
        if let Ok(mut noted) = self.0.lock() {
            noted.push(src.to_owned());
        }
        Ok(None)
    }
}
