//! Rows as templates see them: Markdown rendered, links and groups added, made once and shared.

use std::collections::HashMap;
use std::sync::OnceLock;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value as Json;
use tera::value::Key;
use tera::{Map, Value};

use super::context::{map, text};
use super::functions::absolute;
use super::markdown::{ImageResolver, ResolvedImage};
use super::{Shared, picture};
use crate::assets::images::Place;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::model::{Collection, Far, Row, Site};

/// What a path keeps unencoded is everything but these.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'#')
    .add(b'?')
    .add(b'{')
    .add(b'}');

/// A path as it stands in a link.
pub fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// What was made of rows, kept between pages.
#[derive(Default)]
pub struct Values(HashMap<String, Kept>);

/// Of one collection.
struct Kept {
    keys: HashMap<String, Key<'static>>,
    /// Made when first asked for: a page that is reused asks for none.
    made: Vec<OnceLock<Value>>,
    /// The same with the rows that are near them, where the collection asks for those.
    whole: Vec<OnceLock<Value>>,
    /// Of rows whose long texts lie outside memory: what was made of one of those.
    made_far: Vec<OnceLock<(String, Far)>>,
    /// An empty list and an empty map, which most rows share.
    nothing: (Value, Value),
    all: OnceLock<Value>,
}

impl Values {
    pub fn new(site: &Site) -> Self {
        let kept = site.collections.iter();
        Self(kept.map(|(name, collection)| (name.clone(), Kept::new(collection))).collect())
    }

    /// A row was taken out of its collection, which is now as given.
    pub fn gone(&mut self, collection: &str, row: usize, of: &Collection) {
        self.touched(collection);
        let Some(kept) = self.0.get_mut(collection) else { return };
        if row < kept.made.len() {
            kept.made.remove(row);
        }
        if row < kept.made_far.len() {
            kept.made_far.remove(row);
        }
        kept.whole.pop();
        kept.forget_nameless(of);
    }

    /// A row was put into its collection, which is now as given.
    pub fn came(&mut self, collection: &str, row: usize, of: &Collection) {
        self.touched(collection);
        let Some(kept) = self.0.get_mut(collection) else { return };
        kept.made.insert(row.min(kept.made.len()), OnceLock::new());
        if !kept.made_far.is_empty() || of.rows.get(row).is_some_and(Row::is_far) {
            // Others had none yet, where this is the first.
            kept.made_far.resize_with(of.rows.len().saturating_sub(1), OnceLock::new);
            kept.made_far.insert(row.min(kept.made_far.len()), OnceLock::new());
        }
        if !kept.whole.is_empty() {
            kept.whole.push(OnceLock::new());
        }
        kept.forget_nameless(of);
    }

    /// Forgets what was made of a row.
    pub fn forget(&mut self, collection: &str, row: usize) {
        self.touched(collection);
        let Some(kept) = self.0.get_mut(collection) else { return };
        if let Some(made) = kept.made.get_mut(row) {
            *made = OnceLock::new();
        }
        if let Some(whole) = kept.whole.get_mut(row) {
            *whole = OnceLock::new();
        }
        if let Some(made) = kept.made_far.get_mut(row) {
            *made = OnceLock::new();
        }
    }

    /// Forgets which rows are near which.
    pub fn forget_related(&mut self, site: &Site) {
        for (name, of) in &site.collections {
            let near = of.notes.related.as_ref().map_or(0, |related| related.rows.len());
            let Some(kept) = self.0.get_mut(name) else { continue };
            if near + kept.whole.len() > 0 {
                kept.whole = std::iter::repeat_with(OnceLock::new).take(near).collect();
                kept.all = OnceLock::new();
            }
        }
    }

    /// Forgets what was made of rows whose texts are of a kind. Texts outside memory are not looked
    /// at, but forgotten.
    pub fn forget_where(&mut self, is: &dyn Fn(&str) -> bool) {
        let is_of = |value: &Value| value.as_str().is_some_and(is);
        let mut any = false;
        for kept in self.0.values_mut() {
            for made in &mut kept.made {
                let map = made.get().and_then(Value::as_map);
                if map.is_some_and(|map| map.values().any(is_of)) {
                    (*made, any) = (OnceLock::new(), true);
                }
            }
            for made in kept.made_far.iter_mut().filter(|made| made.get().is_some()) {
                (*made, any) = (OnceLock::new(), true);
            }
        }
        if any {
            self.forget_lists();
        }
    }

    /// Something about a collection's rows is other than it was.
    fn touched(&mut self, collection: &str) {
        if let Some(kept) = self.0.get_mut(collection) {
            kept.all = OnceLock::new();
        }
        // It may be near rows of others.
        if self.0.values().any(|kept| !kept.whole.is_empty()) {
            self.forget_lists();
        }
    }

    fn forget_lists(&mut self) {
        for kept in self.0.values_mut() {
            kept.all = OnceLock::new();
            kept.whole.iter_mut().for_each(|whole| *whole = OnceLock::new());
        }
    }

    /// Values for a site that holds some of the same rows, perhaps elsewhere: what was made of
    /// those is kept.
    pub fn carry(&mut self, former: &Site, site: &Site) {
        let mut before = std::mem::replace(self, Self::new(site)).0;
        for (name, collection) in &site.collections {
            let (Some(old), Some(kept)) = (former.collections.get(name), self.0.get_mut(name))
            else {
                continue;
            };
            let Some(before) = before.remove(name) else { continue };
            let Kept { mut made, mut made_far, .. } = before;
            let places = old.rows.iter().enumerate();
            let places: HashMap<_, _> = places.map(|(place, row)| (row.hash, place)).collect();
            for (index, row) in collection.rows.iter().enumerate() {
                // Where nothing names a row, its place does.
                let place = places.get(&row.hash).copied();
                let place = place.filter(|place| name_of(row).is_some() || *place == index);
                let Some(place) = place else { continue };
                // The value says which of it models wrote.
                if old.notes.written.get(&place) != collection.notes.written.get(&index) {
                    continue;
                }
                let value = made.get_mut(place).and_then(OnceLock::take);
                if let (Some(value), Some(cell)) = (value, kept.made.get(index)) {
                    let _ = cell.set(value);
                }
                let value = made_far.get_mut(place).and_then(OnceLock::take);
                if let (Some(value), Some(cell)) = (value, kept.made_far.get(index)) {
                    let _ = cell.set(value);
                }
            }
        }
    }
}

impl Kept {
    /// Where nothing names a row, its place does.
    fn forget_nameless(&mut self, of: &Collection) {
        for (row, made) in of.rows.iter().zip(&mut self.made) {
            if name_of(row).is_none() {
                *made = OnceLock::new();
            }
        }
    }

    fn new(collection: &Collection) -> Self {
        let columns = collection.rows.first().map(|row| row.fields.keys()).into_iter().flatten();
        let keys = columns.map(|name| (name.clone(), Key::from(name.clone()))).collect();
        let cells = |count| std::iter::repeat_with(OnceLock::new).take(count).collect();
        let any_far = collection.rows.iter().any(Row::is_far);
        let far = if any_far { collection.rows.len() } else { 0 };
        let made_far = std::iter::repeat_with(OnceLock::new).take(far).collect();
        let near = collection.notes.related.as_ref().map_or(0, |related| related.rows.len());
        let nothing = (Value::from(Vec::<Value>::new()), Value::from(Map::default()));
        let (made, whole, all) = (cells(collection.rows.len()), cells(near), OnceLock::new());
        Self { keys, made, whole, made_far, nothing, all }
    }
}

/// What tells a row from others on a page.
fn name_of(row: &Row) -> Option<&str> {
    row.text("slug").or_else(|| row.text("id"))
}

/// The rows of a site with what was made of them.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub values: &'a Values,
    pub config: &'a Config,
    pub site: &'a Site,
    pub shared: &'a Shared,
}

struct Rows<'a> {
    config: &'a config::Collection,
    collection: &'a Collection,
    shared: &'a Shared,
    kept: &'a Kept,
}

impl<'a> View<'a> {
    fn rows_of(&self, name: &str) -> Result<Rows<'a>> {
        let rows = || {
            let config = self.config.collections.get(name)?;
            let collection = self.site.collections.get(name)?;
            let kept = self.values.0.get(name)?;
            Some(Rows { config, collection, shared: self.shared, kept })
        };
        rows().ok_or_else(|| {
            Error::config(format!("there is no collection \"{name}\""))
                .help(format!("add a [collections.{name}] section to frieze.toml"))
        })
    }

    pub fn row(&self, collection: &str, row: usize) -> Result<Value> {
        self.whole(&self.rows_of(collection)?, row)
    }

    /// A row with those that are near it, which have none themselves.
    fn whole(&self, of: &Rows<'a>, row: usize) -> Result<Value> {
        let value = of.get(row)?;
        let Some((other, near)) = of.collection.related(row).filter(|(_, near)| !near.is_empty())
        else {
            return Ok(value);
        };
        let cell = of.kept.whole.get(row).filter(|_| !of.collection.rows[row].is_far());
        if let Some(whole) = cell.and_then(OnceLock::get) {
            return Ok(whole.clone());
        }
        let other = self.rows_of(other)?;
        let near = near.iter().map(|row| other.get(*row)).collect::<Result<Vec<_>>>()?;
        let mut map = value.into_map().unwrap_or_default();
        map.insert(Key::Str("_related"), Value::from(near));
        let whole = Value::from(map);
        Ok(cell.map_or(whole.clone(), |cell| cell.get_or_init(|| whole).clone()))
    }

    /// One column of a row as feeds carry it.
    pub fn column(&self, collection: &str, row: usize, column: &str) -> Result<Option<Value>> {
        let of = self.rows_of(collection)?;
        let Some(found) = of.collection.rows.get(row) else { return Ok(None) };
        let field = found.field(column)?;
        field.map(|field| of.field(column, &field, row, found, Way::Feed)).transpose()
    }

    /// The rows at these positions, as an array.
    pub fn some(&self, collection: &str, rows: &[usize]) -> Result<Value> {
        let of = self.rows_of(collection)?;
        rows.iter().map(|row| self.whole(&of, *row)).collect::<Result<Vec<_>>>().map(Value::from)
    }

    pub fn first(&self, collection: &str, most: Option<usize>) -> Result<Value> {
        let of = self.rows_of(collection)?;
        match most {
            Some(most) if most < of.kept.made.len() => (0..most)
                .map(|row| self.whole(&of, row))
                .collect::<Result<Vec<_>>>()
                .map(Value::from),
            _ => self.all(&of),
        }
    }

    fn all(&self, of: &Rows<'a>) -> Result<Value> {
        if let Some(all) = of.kept.all.get() {
            return Ok(all.clone());
        }
        let rows =
            (0..of.kept.made.len()).map(|row| self.whole(of, row)).collect::<Result<Vec<_>>>()?;
        Ok(of.kept.all.get_or_init(|| Value::from(rows)).clone())
    }

    /// The collections that every page's shell may read, as one map.
    pub fn shared(&self, names: &[String]) -> Result<Value> {
        let mut map = Map::default();
        for name in names {
            map.insert(Key::from(name.clone()), self.first(name, None)?);
        }
        Ok(Value::from(map))
    }
}

impl Rows<'_> {
    fn get(&self, row: usize) -> Result<Value> {
        let missing = || Error::other("a row went missing");
        let cell = self.kept.made.get(row).ok_or_else(missing)?;
        if let Some(value) = cell.get() {
            return Ok(value.clone());
        }
        // Two threads may make the same row at once; either result is the same.
        let found = self.collection.rows.get(row).ok_or_else(missing)?;
        let value = self.make(row, found)?;
        if found.is_far() {
            return Ok(value);
        }
        Ok(cell.get_or_init(|| value).clone())
    }

    fn make(&self, index: usize, row: &Row) -> Result<Value> {
        let mut map = Map::default();
        for column in row.fields.keys() {
            let key = self.kept.keys.get(column.as_str()).cloned();
            let key = key.unwrap_or_else(|| Key::from(column.clone()));
            map.insert(key, self.shown(column, index, row)?);
        }
        map.insert(Key::Str("_url"), self.collection.path(index).map(encoded).into());
        map.insert(Key::Str("_groups"), self.groups(index));
        map.insert(Key::Str("_related"), self.kept.nothing.0.clone());
        map.insert(Key::Str("_enriched"), self.enriched(index));
        Ok(Value::from(map))
    }

    /// A column as pages show it. What was made of a text outside memory lies there as well.
    fn shown(&self, column: &str, index: usize, row: &Row) -> Result<Value> {
        let made =
            || self.field(column, &row.field(column)?.unwrap_or_default(), index, row, Way::Page);
        let far = row.far.iter().find(|(name, _)| name == column);
        let (Some((_, text)), Some(cell)) = (far, self.kept.made_far.get(index)) else {
            return made();
        };
        if let Some((_, former)) = cell.get().filter(|(name, _)| name == column) {
            return Ok(Value::safe_string(&former.read()?));
        }
        let value = made()?;
        // Another thread may have made the same; either is as good. A second such column of a row
        // is made each time.
        if let Some(html) = value.as_str().filter(|_| cell.get().is_none()) {
            let _ = cell.set((column.to_owned(), text.beside(html)?));
        }
        Ok(value)
    }

    fn field(
        &self,
        column: &str,
        field: &Json,
        index: usize,
        row: &Row,
        way: Way,
    ) -> Result<Value> {
        let Json::String(text) = field else { return Ok(Value::from_serializable(field)) };
        let is = |columns: &[String]| columns.iter().any(|name| name == column);
        let quality = self.config.image_quality.map(config::Quality::Fixed);
        let images = TextImages { shared: self.shared, quality, way };
        let html = if is(&self.config.markdown) {
            self.shared.markdown.render_scoped(text, &images, &self.scope(column, index))
        } else if is(&self.config.html) {
            self.shared.markdown.sanitize(text, &images)
        } else {
            return Ok(Value::normal_string(text));
        };
        let html = html.map_err(|error| self.named(&error.into(), column, row))?;
        Ok(Value::safe_string(&html))
    }

    /// What the ids in a text begin with. A row with a page of its own has that page's ids to
    /// itself; other rows stand beside each other.
    fn scope(&self, column: &str, row: usize) -> String {
        if self.config.page.is_some() && self.config.markdown.first().is_some_and(|c| c == column) {
            return String::new();
        }
        let rows = &self.collection.rows;
        let name = rows.get(row).and_then(name_of);
        let name = name.map_or_else(|| (row + 1).to_string(), slug::slugify);
        format!("{}-{name}-{column}", self.config.name)
    }

    fn named(&self, error: &Error, column: &str, row: &Row) -> Error {
        let (name, label) = (&self.config.name, row.label());
        let help = error.help_text().unwrap_or("mend the text in the row").to_owned();
        Error::content(format!("{name}, the row with {label}, column {column}: {error}")).help(help)
    }

    /// Which columns a model wrote, and which model.
    fn enriched(&self, row: usize) -> Value {
        let Some(written) = self.collection.notes.written.get(&row) else {
            return self.kept.nothing.1.clone();
        };
        let column = |(column, by): (&String, &crate::model::Written)| {
            let value = map([
                ("model", text(&by.model)),
                ("provider", text(&by.provider)),
                ("at", text(&by.at)),
            ]);
            (Key::from(column.clone()), value)
        };
        Value::from(written.iter().map(column).collect::<Map>())
    }

    fn groups(&self, row: usize) -> Value {
        let mut map = Map::default();
        for index in &self.collection.groups {
            let groups = index.of_row.get(row).map(Vec::as_slice).unwrap_or_default();
            let groups: Vec<Value> = groups
                .iter()
                .filter_map(|group| index.groups.get(*group))
                .map(|group| entry(&group.key, &group.path))
                .collect();
            map.insert(Key::from(index.column.clone()), Value::from(groups));
        }
        Value::from(map)
    }
}

fn entry(key: &str, path: &str) -> Value {
    let mut map = Map::default();
    map.insert(Key::Str("key"), Value::normal_string(key));
    map.insert(Key::Str("url"), Value::from(encoded(path)));
    Value::from(map)
}

/// Where a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Page,
    /// In feed readers: no candidates, no stand-ins, and whole addresses.
    Feed,
}

/// Images in texts: the same images as those in templates, in a place as wide as text is.
pub struct TextImages<'a> {
    pub shared: &'a Shared,
    pub quality: Option<config::Quality>,
    pub way: Way,
}

impl<'a> TextImages<'a> {
    /// In a text on a page.
    pub fn on_page(shared: &'a Shared) -> Self {
        Self { shared, quality: None, way: Way::Page }
    }
}

impl ImageResolver for TextImages<'_> {
    fn resolve(&self, src: &str) -> std::result::Result<Option<ResolvedImage>, String> {
        let assets = &self.shared.assets;
        let place = Place { widths: None, quality: self.quality };
        let picture = assets.picture(src, &place).map_err(|error| {
            error.help_text().map_or_else(|| error.to_string(), |help| format!("{error} ({help})"))
        })?;
        let image = picture::resolved(&picture, &assets.images.settings().text_sizes);
        Ok(Some(match self.way {
            Way::Page => image,
            Way::Feed => ResolvedImage {
                url: absolute(&self.shared.base_url, &image.url),
                width: image.width,
                height: image.height,
                ..ResolvedImage::default()
            },
        }))
    }
}
