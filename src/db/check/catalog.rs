//! Every relation of a database, found by name or by what reads it.

use std::collections::HashMap;

use sqlx::PgConnection;

use super::relation::Relation;
use crate::db::errors::Explain as _;
use crate::error::{Error, Result};

/// Every relation outside the system's own schemas.
#[derive(Debug, Default)]
pub struct Catalogue {
    relations: Vec<Relation>,
    by_oid: HashMap<i64, usize>,
}

impl Catalogue {
    /// Reads it all in one query, with what `role` may do; a role that is missing may nothing.
    pub async fn load(conn: &mut PgConnection, role: &str) -> Result<Self> {
        let doing = "reading the tables and their rights";
        let rows: Vec<String> = sqlx::query_scalar(include_str!("catalog.sql"))
            .bind(role)
            .persistent(false)
            .fetch_all(conn)
            .await
            .or_explain(doing)?;
        let parse = |row: &String| serde_json::from_str(row);
        let relations: Vec<Relation> =
            rows.iter().map(parse).collect::<Result<_, _>>().map_err(|error| {
                Error::database("the database described a table in an unknown way").because(error)
            })?;
        let by_oid = relations.iter().enumerate().map(|(at, one)| (one.oid, at)).collect();
        Ok(Self { relations, by_oid })
    }

    pub fn all(&self) -> impl Iterator<Item = &Relation> {
        self.relations.iter()
    }

    pub fn get(&self, oid: i64) -> Option<&Relation> {
        self.by_oid.get(&oid).map(|at| &self.relations[*at])
    }

    /// What a name in `frieze.toml` stands for: `table`, or `schema.table`.
    pub fn find(&self, name: &str) -> Option<&Relation> {
        match name.split_once('.') {
            Some((schema, name)) => self.find_in(schema, name),
            None => self.relations.iter().find(|one| one.is_visible && one.name == name),
        }
    }

    pub fn find_in(&self, schema: &str, name: &str) -> Option<&Relation> {
        self.relations.iter().find(|one| one.schema == schema && one.name == name)
    }

    /// What a view reads, and what the views in it read.
    pub fn below<'a>(&'a self, view: &'a Relation) -> Vec<&'a Relation> {
        let mut found: Vec<&Relation> = Vec::new();
        let mut waiting = view.reads.clone();
        while let Some(oid) = waiting.pop() {
            let Some(relation) = self.get(oid) else { continue };
            if !found.iter().any(|known| known.oid == oid) {
                found.push(relation);
                waiting.extend(&relation.reads);
            }
        }
        found.sort_by(|a, b| a.sql.cmp(&b.sql));
        found
    }
}
