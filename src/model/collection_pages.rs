//! Pages that a collection brings: one a row, numbered lists, one a group.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::Value;

use super::paths::Paths;
use super::problems::Fault;
use super::{Body, Collection, Group, GroupIndex, Page, Pager, Row, slug};
use crate::config::{self, PathTemplate, page_path};
use crate::error::{Error, Result};

pub fn add(
    pages: &mut Vec<Page>,
    collection: &mut Collection,
    config: &config::Collection,
    paths: &mut Paths,
) -> Result<()> {
    if let Some(page) = &config.page {
        row_pages(pages, collection, config, page, paths)?;
    }
    if let Some(list) = &config.list {
        list_pages(pages, collection.rows.len(), config, list, paths)?;
    }
    for group in &config.groups {
        let index = match group_index(collection, config, group, paths) {
            Ok(index) => index,
            Err(error) => {
                paths.refuse(Fault::Other, &config.name, error)?;
                continue;
            }
        };
        group_pages(pages, &index.groups, config, group, paths)?;
        collection.groups.push(index);
    }
    Ok(())
}

fn row_pages(
    pages: &mut Vec<Page>,
    collection: &mut Collection,
    config: &config::Collection,
    page: &config::RowPage,
    paths: &mut Paths,
) -> Result<()> {
    pages.reserve(collection.rows.len());
    for (index, row) in collection.rows.iter().enumerate() {
        let path = match row_path(config, &page.path, row) {
            Ok(path) => path,
            Err(error) => {
                paths.refuse(Fault::Slug, &place(config, row), error)?;
                continue;
            }
        };
        paths.take(&path, || place(config, row))?;
        collection.paths.push(path.clone());
        pages.push(row_page(config, page, path, index, row)?);
    }
    Ok(())
}

/// The page of a row.
pub(super) fn row_page(
    config: &config::Collection,
    page: &config::RowPage,
    path: String,
    index: usize,
    row: &Row,
) -> Result<Page> {
    let mut found = Page {
        title: String::new(),
        description: String::new(),
        image: None,
        updated: None,
        template: page.template.clone(),
        body: Body::Row {
            collection: config.name.clone(),
            row: index,
            collections: page.collections.clone(),
        },
        path,
    };
    tell(&mut found, config, row)?;
    Ok(found)
}

fn place(config: &config::Collection, row: &Row) -> String {
    let id = row.text("id").map_or_else(String::new, |id| format!(", id {id}"));
    format!("the row of {} with {}{id}", config.name, row.label())
}

pub(super) fn row_path(
    config: &config::Collection,
    path: &PathTemplate,
    row: &Row,
) -> Result<String> {
    path.fill(|column| {
        let value = match row.field(column)?.as_deref() {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Null) => String::new(),
            Some(_) => return Err(not_a_segment(config, column)),
            None => return Err(no_column(config, column, row)),
        };
        slug::segment(&value)
            .map_err(|error| error.context(format!("{}: column {column}", place(config, row))))
    })
}

fn not_a_segment(config: &config::Collection, column: &str) -> Error {
    Error::content(format!(
        "collections.{}.page.path: the column \"{column}\" is neither text nor a number",
        config.name
    ))
    .help("use a text column, such as slug")
}

fn no_column(config: &config::Collection, column: &str, row: &Row) -> Error {
    let known: Vec<_> = row.fields.keys().map(String::as_str).collect();
    Error::config(format!(
        "frieze.toml: collections.{}: there is no column \"{column}\"",
        config.name
    ))
    .help(format!("the columns are {}", known.join(", ")))
}

/// What a page says about its row.
pub(super) fn tell(page: &mut Page, config: &config::Collection, row: &Row) -> Result<()> {
    let facts = Facts { config, row };
    page.title = facts.title()?;
    page.description = facts.description()?;
    page.image = facts.image()?;
    page.updated = facts.updated()?;
    Ok(())
}

/// What pages say about a row.
struct Facts<'a> {
    config: &'a config::Collection,
    row: &'a Row,
}

impl Facts<'_> {
    /// The first of these columns that holds a text, if that is not empty.
    fn first(&self, named: Option<&String>, usual: &[&str]) -> Result<Option<String>> {
        let columns = named.map_or_else(|| usual.to_vec(), |column| vec![column.as_str()]);
        for column in columns {
            if let Some(Value::String(text)) = self.row.field(column)?.as_deref() {
                return Ok(Some(text.clone()).filter(|text| !text.is_empty()));
            }
        }
        Ok(None)
    }

    fn title(&self) -> Result<String> {
        Ok(self.first(self.config.title.as_ref(), &["title", "name"])?.unwrap_or_default())
    }

    fn description(&self) -> Result<String> {
        let named = self.config.description.as_ref();
        Ok(self.first(named, &["summary", "excerpt"])?.unwrap_or_default())
    }

    fn image(&self) -> Result<Option<String>> {
        self.config.images.first().map_or(Ok(None), |column| self.first(Some(column), &[]))
    }

    fn updated(&self) -> Result<Option<String>> {
        self.first(self.config.updated.as_ref(), &["updated_at", "published_at"])
    }
}

/// The numbered pages that list a collection of so many rows.
pub(super) fn list_pages(
    pages: &mut Vec<Page>,
    rows: usize,
    config: &config::Collection,
    list: &config::List,
    paths: &mut Paths,
) -> Result<()> {
    let all: Vec<usize> = (0..rows).collect();
    for (rows, pager) in paginate(&all, Some(list.per_page), &list.path) {
        let path = page_path(&list.path, pager.number);
        paths.take(&path, || format!("the list of {}", config.name))?;
        pages.push(Page {
            title: numbered(&list.title, &pager),
            description: list.description.clone(),
            image: None,
            updated: None,
            template: list.template.clone(),
            body: Body::List { collection: config.name.clone(), rows, pager },
            path,
        });
    }
    Ok(())
}

fn numbered(title: &str, pager: &Pager) -> String {
    if pager.number == 1 { title.to_owned() } else { format!("{title}, page {}", pager.number) }
}

/// Splits rows into pages; no rows are one empty page.
fn paginate(
    rows: &[usize],
    per_page: Option<usize>,
    base: &str,
) -> impl Iterator<Item = (Vec<usize>, Pager)> {
    let size = per_page.unwrap_or(rows.len()).max(1);
    let total = rows.len().div_ceil(size).max(1);
    (1..=total).map(move |number| {
        let start = (number - 1) * size;
        let chunk = rows[start..rows.len().min(start + size)].to_vec();
        (chunk, Pager { number, total, rows: rows.len(), base: base.to_owned() })
    })
}

fn group_index(
    collection: &Collection,
    config: &config::Collection,
    group: &config::Group,
    paths: &mut Paths,
) -> Result<GroupIndex> {
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut keys_of_row = Vec::with_capacity(collection.rows.len());
    for (index, row) in collection.rows.iter().enumerate() {
        let keys = keys_of(config, group, row)?;
        for key in &keys {
            by_key.entry(key.clone()).or_default().push(index);
        }
        keys_of_row.push(keys);
    }
    let place: HashMap<String, usize> =
        by_key.keys().enumerate().map(|(place, key)| (key.clone(), place)).collect();
    // In the order in which the row names them.
    let of_row = keys_of_row
        .into_iter()
        .map(|keys| keys.iter().filter_map(|key| place.get(key).copied()).collect())
        .collect();
    let mut groups = Vec::with_capacity(by_key.len());
    for (key, rows) in by_key {
        match group_of(config, group, key, rows) {
            Ok(group) => groups.push(group),
            Err(error) => {
                let subject = format!("{}.{}", config.name, group.by);
                paths.refuse(Fault::Slug, &subject, error)?;
            }
        }
    }
    Ok(GroupIndex { column: group.by.clone(), groups, of_row })
}

/// A group with the path of its first page.
pub(super) fn group_of(
    config: &config::Collection,
    group: &config::Group,
    key: String,
    rows: Vec<usize>,
) -> Result<Group> {
    let segment = group_segment(config, group, &key)?;
    let path = group.path.fill(|_| Ok(segment.clone()))?;
    Ok(Group { key, path, rows })
}

/// The groups that a row is in, each once, in the order in which it names them.
pub(super) fn keys_of(
    config: &config::Collection,
    group: &config::Group,
    row: &Row,
) -> Result<Vec<String>> {
    let value = row.field(&group.by)?.ok_or_else(|| no_column(config, &group.by, row))?;
    let mut keys = keys(&value);
    let mut seen = HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    Ok(keys)
}

fn group_segment(config: &config::Collection, group: &config::Group, key: &str) -> Result<String> {
    slug::segment(&slug::of_key(key)).map_err(|error| {
        let place = format!("{}: the group \"{key}\" of column {}", config.name, group.by);
        error.context(place)
    })
}

/// The keys a value puts its row under: each element of an array, or the scalar itself.
fn keys(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(keys).collect(),
        Value::String(text) if !text.trim().is_empty() => vec![text.trim().to_owned()],
        Value::Number(number) => vec![number.to_string()],
        Value::Bool(flag) => vec![flag.to_string()],
        _ => Vec::new(),
    }
}

/// The pages of all groups of a column.
pub(super) fn group_pages(
    pages: &mut Vec<Page>,
    groups: &[Group],
    config: &config::Collection,
    group: &config::Group,
    paths: &mut Paths,
) -> Result<()> {
    for (position, found) in groups.iter().enumerate() {
        let title = group.title.replace("{key}", &found.key);
        for (rows, pager) in paginate(&found.rows, group.per_page, &found.path) {
            let path = page_path(&found.path, pager.number);
            paths.take(&path, || {
                format!("the group \"{}\" of {}.{}", found.key, config.name, group.by)
            })?;
            pages.push(Page {
                title: numbered(&title, &pager),
                description: String::new(),
                image: None,
                updated: None,
                template: group.template.clone(),
                body: Body::Group {
                    collection: config.name.clone(),
                    column: group.by.clone(),
                    group: position,
                    rows,
                    pager,
                },
                path,
            });
        }
    }
    Ok(())
}
