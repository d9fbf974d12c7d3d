//! Sections held against their manifests: defaults filled in, every wrong or unknown field found.

use std::collections::HashSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::layout::{self, Layout, RawSection, kind_of};
use super::manifest::{Field, FieldKind, Manifest, Manifests};
use crate::error::nearest;

/// A section ready to render.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub id: String,
    /// The manifest's name for its type.
    pub kind: String,
    /// Every field of the manifest but its slots, `null` where nothing was set and no default is.
    pub config: Map<String, Value>,
    pub slots: IndexMap<String, Vec<Section>>,
    /// The collections its template reads.
    pub collections: Vec<String>,
    /// Paths of images its fields name.
    pub images: Vec<(String, String)>,
}

/// Sections nested deeper than this are an editor's mistake, not a page.
const MAX_DEPTH: usize = 12;

/// Turns a layout's raw sections into sections; each problem is one sentence that names the
/// section and the field.
pub fn sections(mut layout: Layout, manifests: &Manifests) -> Result<Vec<Section>, Vec<String>> {
    let raw = std::mem::take(&mut layout.sections);
    let mut reader =
        Reader { manifests, zones: layout.zones, problems: Vec::new(), ids: HashSet::new() };
    let sections = reader.sections(raw, 0);
    for (zone, left) in &reader.zones {
        if left.as_array().is_some_and(|items| !items.is_empty()) {
            reader.problems.push(format!("the zone \"{zone}\" belongs to no section on the page"));
        }
    }
    if reader.problems.is_empty() { Ok(sections) } else { Err(reader.problems) }
}

struct Reader<'a> {
    manifests: &'a Manifests,
    zones: Map<String, Value>,
    problems: Vec<String>,
    ids: HashSet<String>,
}

impl Reader<'_> {
    fn sections(&mut self, raw: Vec<RawSection>, depth: usize) -> Vec<Section> {
        if depth > MAX_DEPTH {
            self.problems.push(format!("sections are nested more than {MAX_DEPTH} deep"));
            return Vec::new();
        }
        raw.into_iter().filter_map(|raw| self.section(raw, depth)).collect()
    }

    fn section(&mut self, raw: RawSection, depth: usize) -> Option<Section> {
        let place = place(&raw);
        let Some(manifest) = self.manifests.get(&raw.kind) else {
            self.problems.push(format!("{place}: {}", self.manifests.unknown(&raw.kind)));
            return None;
        };
        let id = self.unique_id(&raw.id, manifest);
        let mut section = Section {
            id,
            kind: manifest.name.clone(),
            config: Map::new(),
            slots: IndexMap::new(),
            collections: manifest.collections.clone(),
            images: Vec::new(),
        };
        let mut config = raw.config;
        self.take_zones(&raw.id, manifest, &mut config, &place);
        self.slots(manifest, &mut config, &mut section, &place, depth);
        let mut values = Values { problems: &mut self.problems, images: &mut section.images };
        section.config = values.object(&manifest.fields, config, &place, "");
        Some(section)
    }

    /// An id of its own for every section: it names the element on the page.
    fn unique_id(&mut self, id: &str, manifest: &Manifest) -> String {
        let base = if id.is_empty() { &manifest.name } else { id };
        let mut id = base.to_owned();
        let mut number = 2;
        while !self.ids.insert(id.clone()) {
            id = format!("{base}-{number}");
            number += 1;
        }
        id
    }

    /// Old Puck data: the zone `<id>:<slot>` fills the slot of that name.
    fn take_zones(
        &mut self,
        id: &str,
        manifest: &Manifest,
        config: &mut Map<String, Value>,
        place: &str,
    ) {
        let prefix = format!("{id}:");
        let names: Vec<String> =
            self.zones.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
        for name in names {
            let slot = &name[prefix.len()..];
            let Some(items) = self.zones.remove(&name) else { continue };
            if manifest.fields.get(slot).is_none_or(|field| field.kind != FieldKind::Slot) {
                self.problems.push(format!("{place}: there is no slot \"{slot}\" for its zone"));
            } else if let Some(Value::Array(held)) = config.get_mut(slot)
                && let Value::Array(items) = items
            {
                held.extend(items);
            } else {
                config.insert(slot.to_owned(), items);
            }
        }
    }

    fn slots(
        &mut self,
        manifest: &Manifest,
        config: &mut Map<String, Value>,
        section: &mut Section,
        place: &str,
        depth: usize,
    ) {
        let slots = manifest.fields.iter().filter(|(_, field)| field.kind == FieldKind::Slot);
        for (name, _) in slots {
            let items = config.remove(name).unwrap_or(Value::Null);
            let children = match layout::components(items, name) {
                Ok(raw) => self.sections(raw, depth + 1),
                Err(problem) => {
                    self.problems.push(format!("{place}: the slot \"{name}\" {problem}"));
                    Vec::new()
                }
            };
            section.slots.insert(name.clone(), children);
        }
    }
}

fn place(raw: &RawSection) -> String {
    if raw.id.is_empty() || raw.id == raw.kind {
        format!("section \"{}\"", raw.kind)
    } else {
        format!("section \"{}\" ({})", raw.id, raw.kind)
    }
}

/// Checks values against fields, and gathers problems and images.
struct Values<'a> {
    problems: &'a mut Vec<String>,
    images: &'a mut Vec<(String, String)>,
}

impl Values<'_> {
    fn object(
        &mut self,
        fields: &IndexMap<String, Field>,
        mut config: Map<String, Value>,
        place: &str,
        prefix: &str,
    ) -> Map<String, Value> {
        let mut complete = Map::new();
        for (name, field) in fields.iter().filter(|(_, field)| field.kind != FieldKind::Slot) {
            let name_here = format!("{prefix}{name}");
            let set = config.remove(name).filter(|value| !value.is_null());
            let value = match (set, &field.default) {
                (Some(value), _) => self.value(field, value, place, &name_here),
                (None, Some(default)) => self.value(field, default.clone(), place, &name_here),
                (None, None) => self.unset(field, place, &name_here),
            };
            complete.insert(name.clone(), value);
        }
        for name in config.keys() {
            let known = fields.keys().map(String::as_str);
            let near = nearest(name, known.clone())
                .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
            let known: Vec<_> = known.collect();
            self.problems.push(format!(
                "{place}: unknown field \"{prefix}{name}\"{near} (known: {})",
                known.join(", ")
            ));
        }
        complete
    }

    fn unset(&mut self, field: &Field, place: &str, name: &str) -> Value {
        if field.required {
            self.problems.push(format!("{place}: the field \"{name}\" is required"));
        }
        match field.kind {
            FieldKind::Array => Value::Array(Vec::new()),
            FieldKind::Object => {
                Value::Object(self.object(&field.fields, Map::new(), place, &format!("{name}.")))
            }
            _ => Value::Null,
        }
    }

    fn value(&mut self, field: &Field, value: Value, place: &str, name: &str) -> Value {
        match (field.kind, value) {
            (FieldKind::Array, Value::Array(items)) => {
                Value::Array(self.items(field, items, place, name))
            }
            (FieldKind::Object, Value::Object(object)) => {
                Value::Object(self.object(&field.fields, object, place, &format!("{name}.")))
            }
            (_, value) => {
                if let Some(problem) = refusal(field, &value) {
                    self.problems.push(format!("{place}: the field \"{name}\" {problem}"));
                } else if let (FieldKind::Image, Some(path)) = (field.kind, value.as_str())
                    && !path.is_empty()
                {
                    self.images.push((format!("{place}: the field \"{name}\""), path.to_owned()));
                }
                value
            }
        }
    }

    fn items(&mut self, field: &Field, items: Vec<Value>, place: &str, name: &str) -> Vec<Value> {
        let mut complete = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            let name = format!("{name}[{index}]");
            if let Value::Object(object) = item {
                let prefix = format!("{name}.");
                complete.push(Value::Object(self.object(&field.fields, object, place, &prefix)));
            } else {
                let kind = kind_of(&item);
                self.problems
                    .push(format!("{place}: the field \"{name}\" is {kind} instead of an object"));
            }
        }
        complete
    }
}

/// Why a field cannot hold a value, if it cannot.
fn refusal(field: &Field, value: &Value) -> Option<String> {
    let expects = field.kind.expects();
    let wrong_type = || Some(format!("is {} instead of {expects}", kind_of(value)));
    match (field.kind, value) {
        (FieldKind::Boolean, Value::Bool(_)) => None,
        (FieldKind::Number, Value::Number(number)) => {
            out_of_range(field, number.as_f64().unwrap_or(f64::NAN))
        }
        (FieldKind::Select, value) if option_values(field).any(|option| option == value) => None,
        (FieldKind::Select, value) => {
            let known: Vec<_> = option_values(field).map(ToString::to_string).collect();
            Some(format!("is {value}, which is not an option (options: {})", known.join(", ")))
        }
        (FieldKind::Url, Value::String(url)) if !is_safe_url(url) => {
            Some(format!("is \"{url}\", which is not {expects} (http, https, mailto or tel)"))
        }
        (FieldKind::Color, Value::String(color)) if !is_color(color) => {
            Some(format!("is \"{color}\" instead of {expects}"))
        }
        (
            FieldKind::Text
            | FieldKind::Textarea
            | FieldKind::Markdown
            | FieldKind::Richtext
            | FieldKind::Url
            | FieldKind::Color
            | FieldKind::Image
            | FieldKind::Icon,
            Value::String(text),
        ) => too_long(field, text),
        _ => wrong_type(),
    }
}

/// Options are plain values or Puck's `{label, value}`.
fn option_values(field: &Field) -> impl Iterator<Item = &Value> {
    field.options.iter().map(|option| option.get("value").unwrap_or(option))
}

fn out_of_range(field: &Field, number: f64) -> Option<String> {
    let (min, max) = (field.min.unwrap_or(f64::MIN), field.max.unwrap_or(f64::MAX));
    if (min..=max).contains(&number) {
        return None;
    }
    Some(match (field.min, field.max) {
        (Some(min), Some(max)) => format!("is {number}, outside {min} to {max}"),
        (Some(min), None) => format!("is {number}, less than {min}"),
        _ => format!("is {number}, more than {max}"),
    })
}

fn too_long(field: &Field, text: &str) -> Option<String> {
    let length = text.chars().count();
    #[expect(clippy::cast_precision_loss, reason = "texts are shorter than 2^52 characters")]
    let over = field.max.filter(|max| length as f64 > *max)?;
    Some(format!("is {length} characters long, more than {over}"))
}

/// Whether a link may point there: no scheme, or a harmless one.
pub fn is_safe_url(url: &str) -> bool {
    if url.chars().any(char::is_control) || url.starts_with(char::is_whitespace) {
        return false;
    }
    match url.split_once(':') {
        Some((scheme, _)) if !scheme.contains(['/', '?', '#']) => {
            matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https" | "mailto" | "tel")
        }
        _ => true,
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| {
        matches!(hex.len(), 3 | 6) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests;
