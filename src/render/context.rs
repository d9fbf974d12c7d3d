//! What templates see, page by page.

use tera::value::Key;
use tera::{Context, Map, Value};

use super::Renderer;
use super::functions::{CARD_WIDTH, absolute};
use super::values::encoded;
use crate::config::{Config, page_path};
use crate::error::Result;
use crate::model::{Body, Page, Pager};

/// `site` and `frieze`, which every template of every page sees.
pub fn site(global: &mut Context, config: &Config, shared: &super::Shared) -> Result<()> {
    let site = &config.site;
    let nav =
        site.nav.iter().map(|item| map([("label", text(&item.label)), ("href", text(&item.href))]));
    let image = card(shared, site.image.as_deref())?;
    let value = map([
        ("title", text(&site.title)),
        ("description", text(&site.description)),
        ("base_url", text(&site.base_url)),
        ("language", text(&site.language)),
        ("author", text(&site.author)),
        ("image", image),
        ("theme_color", text(&site.theme_color)),
        ("nav", Value::from(nav.collect::<Vec<_>>())),
        ("feeds", feeds(config)),
        ("extra", Value::from_serializable(&site.extra)),
    ]);
    global.insert_value("site", value);
    global.insert_value("frieze", map([("version", text(env!("CARGO_PKG_VERSION")))]));
    Ok(())
}

/// The picture that stands for a page where other sites link to it.
fn card(shared: &super::Shared, src: Option<&str>) -> Result<Value> {
    let Some(src) = src else { return Ok(Value::none()) };
    let url = shared.assets.card(src, CARD_WIDTH)?;
    Ok(url.map_or_else(Value::none, |url| Value::from(absolute(&shared.base_url, &url))))
}

fn feeds(config: &Config) -> Value {
    let feeds = config.collections.values().filter_map(|collection| collection.feed.as_ref());
    let feeds = feeds.map(|feed| map([("title", text(&feed.title)), ("url", text(&feed.path))]));
    Value::from(feeds.collect::<Vec<_>>())
}

impl Renderer<'_> {
    pub(super) fn context(&self, tera: &tera::Tera, page: &Page) -> Result<Context> {
        let mut context = Context::new();
        context.insert_value("page", self.page_value(page)?);
        match &page.body {
            Body::Layout { sections, .. } => {
                let rendered = self.sections(tera, sections, &context, None)?;
                context.insert_value("sections", rendered);
            }
            Body::Row { collection, row, collections } => {
                context.insert_value("row", self.values.row(collection, *row)?);
                context.insert_value("previous", self.neighbour(collection, row.checked_sub(1))?);
                context.insert_value("next", self.neighbour(collection, Some(row + 1))?);
                for name in collections {
                    context.insert_value(name.clone(), self.values.first(name, None)?);
                }
            }
            Body::List { collection, rows, pager } => {
                self.list(&mut context, collection, rows, pager)?;
            }
            Body::Group { collection, column, group, rows, pager } => {
                self.list(&mut context, collection, rows, pager)?;
                let index = self.site.collections.get(collection);
                let index = index.and_then(|c| c.groups.iter().find(|g| g.column == *column));
                let key = index.and_then(|index| index.groups.get(*group)).map(|group| &group.key);
                context.insert_value("key", key.map(String::as_str).into());
                context.insert_value("column", text(column));
            }
            Body::Fixed { collections } => {
                for (name, most) in collections {
                    context.insert_value(name.clone(), self.values.first(name, *most)?);
                }
            }
            Body::NotFound => {}
        }
        Ok(context)
    }

    fn page_value(&self, page: &Page) -> Result<Value> {
        let base_url = &self.config.site.base_url;
        let src = page.image.as_deref().or(self.config.site.image.as_deref());
        let image = card(self.shared, src)?;
        let path = encoded(&page.path);
        let props = match &page.body {
            Body::Layout { props, .. } => Value::from_serializable(props),
            _ => Value::from(Map::default()),
        };
        Ok(map([
            ("kind", text(page.kind())),
            ("name", text(page.name())),
            ("title", text(&page.title)),
            ("description", text(&page.description)),
            ("image", image),
            ("updated", page.updated.as_deref().into()),
            ("url", Value::from(absolute(base_url, &path))),
            ("path", Value::from(path)),
            ("props", props),
        ]))
    }

    fn neighbour(&self, collection: &str, row: Option<usize>) -> Result<Value> {
        let rows = self.site.collections.get(collection).map_or(0, |c| c.rows.len());
        match row.filter(|row| *row < rows) {
            Some(row) => self.values.row(collection, row),
            None => Ok(Value::none()),
        }
    }

    fn list(
        &self,
        context: &mut Context,
        collection: &str,
        rows: &[usize],
        pager: &Pager,
    ) -> Result<()> {
        context.insert_value("rows", self.values.some(collection, rows)?);
        context.insert_value("collection", text(collection));
        context.insert_value("pager", pager_value(pager));
        Ok(())
    }
}

fn pager_value(pager: &Pager) -> Value {
    let url = |number: usize| Value::from(encoded(&page_path(&pager.base, number)));
    let link = |number: Option<usize>| {
        number.filter(|n| (1..=pager.total).contains(n)).map_or_else(Value::none, url)
    };
    let pages = (1..=pager.total)
        .map(|number| map([("number", Value::from(number)), ("url", url(number))]));
    map([
        ("number", Value::from(pager.number)),
        ("total", Value::from(pager.total)),
        ("rows", Value::from(pager.rows)),
        ("previous", link(pager.number.checked_sub(1))),
        ("next", link(Some(pager.number + 1))),
        ("first", url(1)),
        ("last", url(pager.total)),
        ("pages", Value::from(pages.collect::<Vec<_>>())),
    ])
}

pub fn text(value: &str) -> Value {
    Value::normal_string(value)
}

pub fn map<const N: usize>(entries: [(&'static str, Value); N]) -> Value {
    let entries = entries.into_iter().map(|(key, value)| (Key::Str(key), value));
    Value::from(entries.collect::<Map>())
}
