//! Which tables are content.

use std::collections::BTreeSet;

use super::LeftOut;
use super::files::Files;
use crate::config::{Collection, Config, From};
use crate::db::migrate::Migrations;
use crate::db::seed::catalog::{Catalog, Table};
use crate::db::seed::read::place::bare;
use crate::error::{Error, Result};

pub(super) struct Tables<'c> {
    pub tables: Vec<Chosen<'c>>,
    pub left_out: Vec<LeftOut>,
}

pub(super) struct Chosen<'c> {
    pub table: &'c Table,
    pub is_layouts: bool,
    pub use_of_times: UseOfTimes,
}

/// The times of a table's rows that the site depends on.
#[derive(Debug, Default)]
pub(super) struct UseOfTimes {
    /// They reach the site themselves, through pages, feeds and JSON.
    pub shown: Vec<&'static str>,
    /// Rows are put in order by them.
    pub sorted_by: Vec<&'static str>,
}

/// Times that every row has and a person rarely writes.
pub(super) const TIMES: [&str; 2] = ["created_at", "updated_at"];

/// The tables of the kits, those that collections and layouts name, and those that have files; none
/// of the engine's own.
pub(super) fn choose<'c>(
    catalog: &'c Catalog,
    config: &Config,
    migrations: &Migrations,
    files: &Files,
) -> Result<Tables<'c>> {
    let mut chosen = Tables { tables: Vec::new(), left_out: Vec::new() };
    let engine = migrations.engine_tables();
    let layouts = config.layouts.as_deref().map(bare);
    for name in named(config, migrations, files) {
        if engine.contains(&name) || name.starts_with("frieze.") {
            continue;
        }
        let Some(table) = catalog.find(name) else {
            if catalog.has(name) {
                // A view has no rows of its own.
                continue;
            }
            return Err(Error::database(format!("the database has no table {name}"))
                .help("run `frieze db migrate`"));
        };
        let is_layouts = layouts == Some(name);
        let twin = chosen.tables.iter().find(|it| it.table.name.eq_ignore_ascii_case(name));
        let twin =
            twin.map(|_| "another table's name differs in capitals only, and so would the file's");
        if let Some(reason) = obstacle(table).or(twin) {
            chosen.left_out.push(LeftOut { table: name.to_owned(), reason: reason.to_owned() });
            continue;
        }
        let use_of_times = use_of_times(config, name);
        chosen.tables.push(Chosen { table, is_layouts, use_of_times });
    }
    Ok(chosen)
}

fn named<'n>(
    config: &'n Config,
    migrations: &'n Migrations,
    files: &'n Files,
) -> BTreeSet<&'n str> {
    let collections = config.collections.values().filter_map(|collection| match &collection.from {
        From::Table(table) => Some(bare(table)),
        From::Query { .. } => None,
    });
    let kits = migrations.kit_tables().into_iter();
    kits.chain(collections)
        .chain(config.layouts.as_deref().map(bare))
        .chain(files.tables())
        .collect()
}

/// Why a table's rows cannot be files that seeding reads.
fn obstacle(table: &Table) -> Option<&'static str> {
    let strange = |c: char| c == '/' || c == '\\' || c.is_control();
    if table.keys.is_empty() {
        return Some("it has neither a primary key nor a unique constraint that tells rows apart");
    }
    let is_computed = |name: &String| table.column(name).is_some_and(|it| it.is_generated);
    if table.keys.iter().all(|key| key.columns.iter().any(is_computed)) {
        return Some("the database computes what tells its rows apart, so no file can give it");
    }
    (table.name.starts_with('.') || table.name.contains(strange))
        .then_some("its name cannot be the name of a file")
}

fn use_of_times(config: &Config, table: &str) -> UseOfTimes {
    let mut use_of_times = UseOfTimes::default();
    for time in TIMES {
        let is_layouts = config.layouts.as_deref().map(bare) == Some(table);
        let mut collections = config.collections.values();
        if is_layouts || collections.any(|it| shows(config, it, table, time)) {
            use_of_times.shown.push(time);
        } else if config.collections.values().any(|it| sorts(config, it, table, time)) {
            use_of_times.sorted_by.push(time);
        }
    }
    use_of_times
}

fn shows(config: &Config, collection: &Collection, table: &str, time: &str) -> bool {
    match &collection.from {
        From::Query { sql, .. } if sql.contains(table) => return sql.contains(time),
        From::Table(name) if bare(name) == table => {}
        _ => return false,
    }
    let mut fields = config.json.iter().flat_map(|file| &file.fields);
    let Collection { page, list, feed, groups, updated, .. } = collection;
    let has_pages = page.is_some() || list.is_some() || feed.is_some() || !groups.is_empty();
    has_pages
        || updated.as_deref() == Some(time)
        || fields.any(|field| {
            field.collection == collection.name && !field.omit.iter().any(|column| column == time)
        })
}

fn sorts(config: &Config, collection: &Collection, table: &str, time: &str) -> bool {
    let mut fields = config.json.iter().flat_map(|file| &file.fields);
    matches!(&collection.from, From::Table(name) if bare(name) == table)
        && (collection.order_by.as_deref().is_some_and(|order| order.contains(time))
            || fields.any(|field| {
                field.collection == collection.name
                    && field.order_by.iter().any(|order| order.column == time)
            }))
}
