//! From `[collections]` as written to checked collections.

use super::check::{Env, fixed, invalid, positive};
use super::raw::{
    OneOrMany, RawCollection, RawFeed, RawGroup, RawList, RawParameter, RawRelated, RawRowPage,
};
use super::{
    Collection, Feed, From, Group, List, PathTemplate, Related, RowPage, images, parameters,
};
use crate::error::Result;

/// Names that templates already use.
const RESERVED: &[&str] = &[
    "site",
    "page",
    "shared",
    "frieze",
    "section",
    "sections",
    "slots",
    "row",
    "rows",
    "previous",
    "next",
    "pager",
    "key",
    "column",
    "collection",
];

/// More would be a list of another kind.
const MOST_RELATED: usize = 24;

/// Where a collection's rows come from.
fn rows_from(
    key: &str,
    table: Option<String>,
    query: Option<String>,
    parameters: Vec<RawParameter>,
    name: &str,
    env: Env,
) -> Result<From> {
    if query.is_none() && !parameters.is_empty() {
        return Err(invalid(key, "has parameters without a query", "remove them"));
    }
    match (table, query) {
        (Some(table), None) => Ok(From::Table(table)),
        (None, Some(query)) => Ok(From::Query {
            sql: query.trim().trim_end_matches(';').to_owned(),
            parameters: parameters::all(key, parameters, env)?,
        }),
        (None, None) => Ok(From::Table(name.to_owned())),
        (Some(_), Some(_)) => Err(invalid(key, "has both table and query", "keep one of them")),
    }
}

pub fn collection(name: String, raw: RawCollection, env: Env) -> Result<Collection> {
    let RawCollection {
        table,
        query,
        parameters,
        order_by,
        markdown,
        html,
        images,
        image_quality,
        title,
        description,
        updated,
        page,
        list,
        group,
        feed,
        related,
    } = raw;
    let key = format!("collections.{name}");
    if RESERVED.contains(&name.as_str()) {
        let what = format!("\"{name}\" is what templates call something else");
        return Err(invalid(
            &key,
            &what,
            "give the collection another name, and its table by table = \"…\"",
        ));
    }
    let from = rows_from(&key, table, query, parameters, &name, env)?;
    let groups = match group {
        None => Vec::new(),
        Some(OneOrMany::One(group)) => vec![group],
        Some(OneOrMany::Many(groups)) => groups,
    };
    Ok(Collection {
        from,
        order_by,
        markdown,
        html,
        images,
        image_quality: image_quality
            .map(|quality| images::percent(quality, &format!("{key}.image_quality")))
            .transpose()?,
        title,
        description,
        updated,
        page: page.map(|raw| row_page(&key, raw)).transpose()?,
        list: list.map(|raw| list_of(&key, &name, raw)).transpose()?,
        groups: groups.into_iter().map(|raw| group_of(&key, raw)).collect::<Result<_>>()?,
        feed: feed.map(|raw| feed_of(&key, &name, raw)).transpose()?,
        related: related.map(|raw| related_of(&key, &name, raw)).transpose()?,
        name,
    })
}

fn row_page(key: &str, raw: RawRowPage) -> Result<RowPage> {
    let RawRowPage { path, template, collections } = raw;
    let key = format!("{key}.page.path");
    let path = PathTemplate::parse(&path, &key)?;
    if path.is_fixed() {
        let what = format!("\"{path}\" is the same for every row");
        return Err(invalid(&key, &what, "put a column in it, as in \"/projects/{slug}/\""));
    }
    Ok(RowPage { path, template, collections })
}

fn list_of(key: &str, name: &str, raw: RawList) -> Result<List> {
    let RawList { path, template, per_page, title, description } = raw;
    let key = format!("{key}.list");
    Ok(List {
        path: fixed(&path, &format!("{key}.path"))?,
        template,
        per_page: positive(per_page.unwrap_or(50), &format!("{key}.per_page"))?,
        title: title.unwrap_or_else(|| capitalised(name)),
        description,
    })
}

fn group_of(key: &str, raw: RawGroup) -> Result<Group> {
    let RawGroup { by, path, template, title, per_page } = raw;
    let path_key = format!("{key}.group.path");
    let path = PathTemplate::parse(&path, &path_key)?;
    if path.columns().collect::<Vec<_>>() != ["key"] {
        let what = format!("\"{path}\" must hold {{key}} and no other placeholder");
        return Err(invalid(&path_key, &what, "write it like \"/tags/{key}/\""));
    }
    let per_page = per_page.map(|n| positive(n, &format!("{key}.group.per_page"))).transpose()?;
    Ok(Group { by, path, template, title: title.unwrap_or_else(|| "{key}".to_owned()), per_page })
}

fn feed_of(key: &str, name: &str, raw: RawFeed) -> Result<Feed> {
    let RawFeed { path, limit, title, content, published } = raw;
    Ok(Feed {
        path: fixed(&path, &format!("{key}.feed.path"))?,
        limit: limit.unwrap_or(20),
        title: title.unwrap_or_else(|| capitalised(name)),
        content,
        published,
    })
}

fn related_of(key: &str, name: &str, raw: RawRelated) -> Result<Related> {
    let RawRelated { limit, of } = raw;
    let limit = limit.unwrap_or(3);
    if !(1..=MOST_RELATED).contains(&limit) {
        let what = format!("is {limit}");
        let help = format!("write how many rows a row is shown with, 1 to {MOST_RELATED}");
        return Err(invalid(&format!("{key}.related.limit"), &what, &help));
    }
    Ok(Related { limit, of: of.unwrap_or_else(|| name.to_owned()) })
}

fn capitalised(name: &str) -> String {
    let spaced = name.replace(['_', '-'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
