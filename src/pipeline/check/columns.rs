//! Columns that `frieze.toml` names, and that are not there.

use super::{Code, Finding, Level};
use crate::config::{Collection, Config, From};
use crate::db::check::Catalogue;
use crate::error::nearest;
use crate::source::Trial;

pub fn findings(config: &Config, trial: &Trial, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    for collection in config.collections.values() {
        let Some(known) = columns(collection, trial, catalogue) else { continue };
        for (level, key, column) in named(config, collection) {
            if known.iter().any(|name| name == column) {
                continue;
            }
            let message = format!("there is no column \"{column}\"");
            let near = nearest(column, known.iter().map(String::as_str));
            let mend = near.map_or_else(
                || format!("the columns are {}", known.join(", ")),
                |near| format!("did you mean \"{near}\"?"),
            );
            findings.push(Finding::new(level, Code::CollectionColumn, key, message).mend(mend));
        }
    }
    findings
}

/// A collection's columns; none where they cannot be known: the rows of a query tell them.
fn columns(collection: &Collection, trial: &Trial, catalogue: &Catalogue) -> Option<Vec<String>> {
    if let From::Table(table) = &collection.from
        && let Some(relation) = catalogue.find(table)
    {
        return Some(relation.columns.iter().map(|column| column.name.clone()).collect());
    }
    let rows = trial.collections.get(&collection.name)?.as_ref().ok()?;
    Some(rows.first()?.fields.keys().cloned().collect())
}

/// Every column that the configuration names, under its key; a build cannot do without some.
fn named<'a>(config: &'a Config, collection: &'a Collection) -> Vec<(Level, String, &'a str)> {
    let key = |what: &str| format!("collections.{}.{what}", collection.name);
    let mut named = Vec::new();
    for (what, columns) in [
        ("markdown", &collection.markdown),
        ("html", &collection.html),
        ("images", &collection.images),
    ] {
        named.extend(columns.iter().map(|it| (Level::Warning, key(what), it.as_str())));
    }
    let feed = collection.feed.as_ref();
    for (what, column) in [
        ("title", collection.title.as_ref()),
        ("description", collection.description.as_ref()),
        ("updated", collection.updated.as_ref()),
        ("feed.content", feed.and_then(|feed| feed.content.as_ref())),
        ("feed.published", feed.and_then(|feed| feed.published.as_ref())),
    ] {
        named.extend(column.map(|column| (Level::Warning, key(what), column.as_str())));
    }
    let paths = collection.page.iter().flat_map(|page| page.path.columns());
    named.extend(paths.map(|column| (Level::Error, key("page.path"), column)));
    named
        .extend(collection.groups.iter().map(|it| (Level::Error, key("group.by"), it.by.as_str())));
    for file in &config.json {
        for field in file.fields.iter().filter(|field| field.collection == collection.name) {
            let key = format!("json.\"{}\".{}", file.path, field.name);
            let omitted = field.omit.iter().map(String::as_str);
            let columns = omitted.chain(field.order_by.iter().map(|order| order.column.as_str()));
            named.extend(columns.map(|column| (Level::Warning, key.clone(), column)));
        }
    }
    named
}
