//! What the site is made of, for the status page: its pages, collections and sections, and how long
//! they take.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::Value;

use super::status::millis;
use super::table::Column::{Figure, Soft, Text};
use super::table::{bytes, code, link, report, table};
use crate::model::{Body, Field, FieldKind, Section};
use crate::pipeline::live::{Live, Timing};
use crate::render::escaped;

/// So many pages are listed.
const LISTED: usize = 30;

/// Pages whose path holds a text, with their weight and time where they were looked at.
pub fn pages(body: &mut String, live: &Live, find: &str) {
    let known = live.timings.pages();
    let wanted = find.to_lowercase();
    let found: Vec<_> =
        live.site().pages.iter().filter(|it| it.path.to_lowercase().contains(&wanted)).collect();
    let _ = write!(
        body,
        "<section><h2>Pages</h2><form class=\"find\"><input type=\"search\" name=\"find\" value=\"{}\" \
         aria-label=\"Part of a path\" placeholder=\"Part of a path\"><button>Find</button></form>",
        escaped(find)
    );
    let rows = found.iter().take(LISTED).map(|page| {
        let timing = known.get(&page.path);
        vec![
            link(&page.path),
            page.kind().to_owned(),
            code(&page.template),
            timing.map_or_else(String::new, |it| millis(it.last)),
            report(&page.path, &timing.map_or("look".to_owned(), |it| bytes(it.bytes as u64))),
        ]
    });
    let columns = [Text("Path"), Text("Kind"), Soft("Template"), Figure("Last"), Figure("Weight")];
    table(body, "Pages", &columns, rows);
    match found.len().checked_sub(LISTED) {
        Some(more) if more > 0 => {
            let _ = write!(body, "<p class=\"soft\">And {more} more.</p>");
        }
        _ if found.is_empty() => body.push_str("<p class=\"soft\">There is none.</p>"),
        _ => {}
    }
    body.push_str("</section>");
}

pub fn collections(body: &mut String, live: &Live, watching: &str) {
    let _ = write!(
        body,
        "<section><h2>Collections</h2><p class=\"soft\">Changes of rows are noticed {}.</p>",
        escaped(watching)
    );
    let rows = live.site().collections.iter().map(|(name, collection)| {
        let row = collection.rows.first();
        let columns: Vec<_> =
            row.iter().flat_map(|row| row.fields.keys()).map(String::as_str).collect();
        let groups: usize = collection.groups.iter().map(|index| index.groups.len()).sum();
        vec![
            escaped(name),
            collection.rows.len().to_string(),
            groups.to_string(),
            collection.paths.first().map_or_else(String::new, |path| link(path)),
            escaped(&columns.join(", ")),
        ]
    });
    let columns =
        [Text("Name"), Figure("Rows"), Figure("Groups"), Text("First page"), Soft("Columns")];
    table(body, "Collections", &columns, rows);
    body.push_str("</section>");
}

pub fn sections(body: &mut String, live: &Live) {
    let used = uses(live);
    body.push_str("<section><h2>Sections</h2>");
    for manifest in live.manifests().iter() {
        let _ = write!(
            body,
            "<details id=\"section-{0}\"><summary><b>{0}</b> <span class=\"soft\">{1} · {2} fields</span></summary>",
            escaped(&manifest.name),
            escaped(&manifest.label),
            manifest.fields.len()
        );
        if !manifest.description.is_empty() {
            let _ = write!(body, "<p>{}</p>", escaped(&manifest.description));
        }
        let mut facts = Vec::new();
        if !manifest.collections.is_empty() {
            facts.push(format!("Reads {}.", escaped(&manifest.collections.join(", "))));
        }
        facts.push(match used.get(manifest.name.as_str()) {
            Some(paths) => {
                let links: Vec<_> = paths.iter().take(LISTED).map(|path| link(path)).collect();
                format!("Stands on {}.", links.join(", "))
            }
            None => "Stands on no page.".to_owned(),
        });
        let _ = write!(body, "<p class=\"soft\">{}</p>", facts.join(" "));
        let mut rows = Vec::new();
        fields(&mut rows, &manifest.fields, "");
        let columns = [Text("Field"), Text("Type"), Text("Default"), Soft("About")];
        table(body, &format!("Fields of {}", manifest.name), &columns, rows);
        body.push_str("</details>");
    }
    body.push_str("</section>");
}

/// The pages that each section stands on.
fn uses(live: &Live) -> BTreeMap<&str, BTreeSet<&str>> {
    fn note<'a>(
        used: &mut BTreeMap<&'a str, BTreeSet<&'a str>>,
        sections: &'a [Section],
        path: &'a str,
    ) {
        for section in sections {
            used.entry(&section.kind).or_default().insert(path);
            section.slots.values().for_each(|slot| note(used, slot, path));
        }
    }
    let mut used = BTreeMap::new();
    for page in &live.site().pages {
        if let Body::Layout { sections, .. } = &page.body {
            note(&mut used, sections, &page.path);
        }
    }
    used
}

fn fields(rows: &mut Vec<Vec<String>>, all: &IndexMap<String, Field>, within: &str) {
    for (name, field) in all {
        let name = format!("{within}{name}");
        let about = [field.label.as_str(), field.description.as_str()];
        let about: Vec<_> = about.into_iter().filter(|text| !text.is_empty()).collect();
        let default = field.default.as_ref().map(|value| code(&value.to_string()));
        rows.push(vec![
            code(&name),
            escaped(&kind(field)),
            default.unwrap_or_default(),
            escaped(&about.join(". ")),
        ]);
        fields(rows, &field.fields, &format!("{name}."));
    }
}

/// A field's type, and what it may be.
fn kind(field: &Field) -> String {
    let mut text = format!("{:?}", field.kind).to_lowercase();
    if field.kind == FieldKind::Select {
        let options = field.options.iter().map(|option| match option {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        text = format!("{text} of {}", options.collect::<Vec<_>>().join(", "));
    }
    let bounds = match (field.min, field.max) {
        (Some(min), Some(max)) => format!(" from {min} to {max}"),
        (Some(min), None) => format!(" from {min}"),
        (None, Some(max)) => format!(" up to {max}"),
        (None, None) => String::new(),
    };
    let required = if field.required { ", required" } else { "" };
    text + &bounds + required
}

pub fn timings(body: &mut String, live: &Live) {
    for (title, timings, of) in [
        ("Time by template", live.timings.templates(), code as fn(&str) -> String),
        ("Time by page", live.timings.pages(), link),
    ] {
        let mut timings: Vec<(String, Timing)> = timings.into_iter().collect();
        if timings.is_empty() {
            continue;
        }
        timings.sort_by_key(|(_, timing)| std::cmp::Reverse(timing.last));
        let _ = write!(body, "<section><h2>{title}</h2>");
        let rows = timings.into_iter().take(LISTED).map(|(name, timing)| {
            vec![
                of(&name),
                timing.times.to_string(),
                millis(timing.last),
                millis(timing.total / timing.times.max(1)),
                bytes(timing.bytes as u64),
            ]
        });
        let columns =
            [Text("Name"), Figure("Times"), Figure("Last"), Figure("Mean"), Figure("HTML")];
        table(body, title, &columns, rows);
        body.push_str("</section>");
    }
}
