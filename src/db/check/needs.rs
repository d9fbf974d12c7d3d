//! What the site reads: the relations behind its collections and layouts.

use std::collections::HashSet;

use serde_json::Value;
use sqlx::PgConnection;

use super::catalog::Catalogue;
use super::probe;
use super::relation::Relation;
use super::words;
use crate::config::{Config, From, Parameter};
use crate::db;
use crate::error::Result;

/// The reads of a build that the server refused.
#[derive(Debug, Default)]
pub struct Refused {
    pub collections: HashSet<String>,
    pub layouts: bool,
}

/// A relation that the site reads.
#[derive(Debug)]
pub struct Need<'a> {
    pub relation: &'a Relation,
    /// The collections that read it; the layouts are one named "".
    pub readers: Vec<String>,
    /// Whether every column of every row is asked for, as a collection's `table` is.
    pub is_whole: bool,
    pub is_layouts: bool,
    /// Whether something that reads it was refused.
    pub is_refused: bool,
}

#[derive(Debug, Default)]
pub struct Needs<'a> {
    list: Vec<Need<'a>>,
    /// Collections whose table is not there, and the table; the layouts are one named "".
    pub missing: Vec<(String, String)>,
}

impl<'a> Needs<'a> {
    pub async fn gather(
        conn: &mut PgConnection,
        catalogue: &'a Catalogue,
        config: &Config,
        refused: &Refused,
    ) -> Result<Self> {
        let mut needs = Self::default();
        for collection in config.collections.values() {
            let who = collection.name.as_str();
            let is_refused = refused.collections.contains(&collection.name);
            match &collection.from {
                From::Table(table) => match catalogue.find(table) {
                    Some(relation) => needs.add(catalogue, relation, who, true, is_refused),
                    // The system's own tables are not in the catalogue, and can be read.
                    None if is_refused => {
                        needs.missing.push((collection.name.clone(), table.clone()));
                    }
                    None => {}
                },
                From::Query { sql, parameters } => {
                    for relation in read_by(conn, catalogue, sql, parameters).await? {
                        needs.add(catalogue, relation, who, false, is_refused);
                    }
                }
            }
        }
        if let Some(table) = &config.layouts {
            match catalogue.find(table) {
                Some(relation) => {
                    needs.add(catalogue, relation, "", true, refused.layouts);
                    needs.mark_layouts(relation);
                }
                None => needs.missing.push((String::new(), table.clone())),
            }
        }
        Ok(needs)
    }

    pub fn all(&self) -> impl Iterator<Item = &Need<'a>> {
        self.list.iter()
    }

    pub fn get(&self, relation: &Relation) -> Option<&Need<'a>> {
        self.list.iter().find(|need| need.relation.oid == relation.oid)
    }

    fn mark_layouts(&mut self, relation: &Relation) {
        for need in &mut self.list {
            need.is_layouts |= need.relation.oid == relation.oid;
        }
    }

    fn add(
        &mut self,
        catalogue: &'a Catalogue,
        relation: &'a Relation,
        who: &str,
        is_whole: bool,
        is_refused: bool,
    ) {
        let at = self.list.iter().position(|need| need.relation.oid == relation.oid);
        let at = at.unwrap_or_else(|| {
            self.list.push(Need {
                relation,
                readers: Vec::new(),
                is_whole: false,
                is_layouts: false,
                is_refused: false,
            });
            self.list.len() - 1
        });
        let need = &mut self.list[at];
        need.is_whole |= is_whole;
        need.is_refused |= is_refused;
        if need.readers.iter().any(|known| known == who) {
            return;
        }
        need.readers.push(who.to_owned());
        // A view that asks with the reader's rights needs those on what it reads.
        if relation.is_view() && relation.is_invoker {
            for below in relation.reads.iter().filter_map(|oid| catalogue.get(*oid)) {
                self.add(catalogue, below, who, false, is_refused);
            }
        }
    }
}

/// What a query reads. The plan names the tables, whatever views they are read through; the
/// query's own words tell which of them it names itself, and which views.
async fn read_by<'a>(
    conn: &mut PgConnection,
    catalogue: &'a Catalogue,
    query: &str,
    parameters: &[Parameter],
) -> Result<Vec<&'a Relation>> {
    let explain = format!("explain (format json, verbose, costs off) {query}");
    let mut planned = Vec::new();
    if let Ok(arguments) = db::arguments(parameters)
        && let Ok(Some(plan)) = probe::with::<Value>(conn, None, explain, arguments).await?
    {
        tables(&plan, &mut planned);
    }
    let is_planned = |one: &Relation| planned.contains(&(one.schema.clone(), one.name.clone()));
    let words = words::names(query).into_iter().collect::<HashSet<_>>();
    let named: Vec<_> = words.iter().filter_map(|name| catalogue.find(name)).collect();
    let reads =
        |one: &&Relation| is_planned(one) || catalogue.below(one).into_iter().any(is_planned);
    let mut found: Vec<_> = named.into_iter().filter(reads).collect();
    found.sort_by(|a, b| a.sql.cmp(&b.sql));
    found.dedup_by_key(|one| one.oid);
    Ok(found)
}

/// The tables of a plan: schema and name of each.
fn tables(plan: &Value, found: &mut Vec<(String, String)>) {
    match plan {
        Value::Array(nodes) => nodes.iter().for_each(|node| tables(node, found)),
        Value::Object(node) => {
            let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
            if let (Some(schema), Some(name)) = (text("Schema"), text("Relation Name")) {
                found.push((schema, name));
            }
            node.values().for_each(|value| tables(value, found));
        }
        _ => {}
    }
}
