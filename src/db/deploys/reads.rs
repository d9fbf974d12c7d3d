//! Which tables a site reads: those that its collections name, and those behind views, queries and
//! policies, as the planner sees them when the reading role asks.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::calls;
use crate::config::{Config, From, Parameter};
use crate::db::errors::{Explain as _, explain_as};
use crate::db::{arguments, quoted};
use crate::error::{Error, Result};

const DOING: &str = "looking which tables the site reads";

/// The tables to watch, and what cannot be watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    pub watched: Vec<Watched>,
    pub unwatched: Vec<Unwatched>,
    /// Collections of which a plan does not tell all they read: they call functions of the site's own,
    /// or leave tables out that nothing is to be had from today. And `layouts`, if it is so there.
    pub opaque: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// As SQL names it.
    pub table: String,
    /// Whether only rows count that the reading role sees.
    pub by_policy: bool,
}

/// What changes without anybody being told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unwatched {
    pub table: String,
    pub why: &'static str,
}

/// Names found on the way.
#[derive(Default)]
struct Found {
    direct: BTreeSet<String>,
    indirect: BTreeSet<String>,
    opaque: Vec<String>,
}

pub async fn reads(connection: &mut PgConnection, config: &Config) -> Result<Reads> {
    let mut transaction = connection.begin().await.or_explain(DOING)?;
    let found = find(&mut transaction, config).await;
    transaction.rollback().await.or_explain(DOING)?;
    let found = found?;
    sort_out(connection, config, found).await
}

async fn find(transaction: &mut PgConnection, config: &Config) -> Result<Found> {
    let role = &config.database.role;
    let become_it = AssertSqlSafe(format!("set local role {}", quoted(role)));
    let become_it = sqlx::raw_sql(become_it).execute(&mut *transaction).await;
    become_it.map_err(|error| explain_as(error, &format!("becoming the role \"{role}\""), role))?;
    let mut found = Found::default();
    let layouts = config.layouts.as_ref().map(|table| ("layouts", "the layouts".to_owned(), table));
    let mut tables: Vec<(&str, String, &String)> = layouts.into_iter().collect();
    for collection in config.collections.values() {
        let doing = format!("the collection \"{}\"", collection.name);
        match &collection.from {
            From::Table(table) => tables.push((&collection.name, doing, table)),
            From::Query { sql, parameters } => {
                let from = format!("(\n{sql}\n)");
                let plan = plan(transaction, &from, parameters, &doing, role).await?;
                names(&plan, &mut found.indirect);
                if is_cut(&plan) || calls(transaction, &plan).await? {
                    found.opaque.push(collection.name.clone());
                }
            }
        }
    }
    for (what, doing, table) in tables {
        let name = canonical(transaction, table).await?;
        let plan = plan(transaction, &quoted(table), &[], &doing, role).await?;
        let mut beneath = BTreeSet::new();
        names(&plan, &mut beneath);
        if calls(transaction, &plan).await? {
            found.opaque.push(what.to_owned());
        }
        beneath.remove(&name);
        found.indirect.extend(beneath);
        found.direct.insert(name);
    }
    Ok(found)
}

/// What the planner would do to read this.
async fn plan(
    connection: &mut PgConnection,
    from: &str,
    parameters: &[Parameter],
    doing: &str,
    role: &str,
) -> Result<Value> {
    let sql = format!("explain (verbose, format json) select * from {from} frieze_row");
    let failed = |error| explain_as(error, &format!("planning to read {doing}"), role);
    let arguments = arguments(parameters).map_err(failed)?;
    let query = sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false);
    query.fetch_one(connection).await.and_then(|row| row.try_get(0)).map_err(failed)
}

/// Collects the tables of a plan.
fn names(plan: &Value, found: &mut BTreeSet<String>) {
    match plan {
        Value::Array(parts) => parts.iter().for_each(|part| names(part, found)),
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str);
            if let (Some(schema), Some(name)) = (text("Schema"), text("Relation Name")) {
                found.insert(in_full(schema, name));
            }
            fields.values().for_each(|part| names(part, found));
        }
        _ => {}
    }
}

/// Whether a plan leaves something out that is not true today, or with today's parameters.
fn is_cut(plan: &Value) -> bool {
    match plan {
        Value::Array(parts) => parts.iter().any(is_cut),
        Value::Object(fields) => {
            fields.get("One-Time Filter").is_some_and(|it| it == "false")
                || fields.values().any(is_cut)
        }
        _ => false,
    }
}

async fn calls(connection: &mut PgConnection, plan: &Value) -> Result<bool> {
    let mut called = BTreeSet::new();
    calls::of_plan(plan, &mut called);
    calls::may_read(connection, &called).await
}

pub fn in_full(schema: &str, name: &str) -> String {
    format!("{}.{}", crate::db::quoted_part(schema), crate::db::quoted_part(name))
}

/// A table's name with its schema, both quoted.
async fn canonical(connection: &mut PgConnection, table: &str) -> Result<String> {
    let sql = "select n.nspname::text, c.relname::text from pg_catalog.pg_class c
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)";
    let found: Option<(String, String)> = sqlx::query_as(sql)
        .bind(quoted(table))
        .persistent(false)
        .fetch_optional(connection)
        .await
        .or_explain(DOING)?;
    let (schema, name) = found.ok_or_else(|| {
        Error::database(format!("there is no table \"{table}\"")).help(
            "correct its name in frieze.toml; frieze's own tables come with `frieze db migrate`",
        )
    })?;
    Ok(in_full(&schema, &name))
}

/// Which of these carry triggers. A change of a partition fires the triggers of what the statement
/// names, so the whole family is watched.
async fn sort_out(connection: &mut PgConnection, config: &Config, found: Found) -> Result<Reads> {
    let mut named = Vec::new();
    for table in &config.hook.tables {
        named.push(canonical(connection, table).await?);
    }
    let all: Vec<&String> = found.direct.iter().chain(&found.indirect).chain(&named).collect();
    let sql = "
        with recursive family as (
            select to_regclass(name)::oid as oid from unnest($1::text[]) as name
            where to_regclass(name) is not null
            union
            select case when i.inhrelid = f.oid then i.inhparent else i.inhrelid end
            from family f join pg_catalog.pg_inherits i on f.oid in (i.inhrelid, i.inhparent)
        )
        select n.nspname::text, c.relname::text, c.relkind::text,
            exists (select from pg_catalog.pg_inherits i where c.oid in (i.inhrelid, i.inhparent))
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.oid in (select oid from family) and c.relkind in ('r', 'p', 'f', 'm')
            and n.nspname <> 'pg_catalog'
        order by 1, 2";
    let rows: Vec<(String, String, String, bool)> = sqlx::query_as(sql)
        .bind(&all)
        .persistent(false)
        .fetch_all(connection)
        .await
        .or_explain(DOING)?;
    let mut reads = Reads { opaque: found.opaque, ..Reads::default() };
    for (schema, name, kind, has_family) in rows {
        let table = in_full(&schema, &name);
        match kind.as_str() {
            "f" => reads.unwatched.push(Unwatched { table, why: "it lies on another server" }),
            "m" => reads.unwatched.push(Unwatched { table, why: "it is a materialized view" }),
            _ => {
                let is_plain = found.direct.contains(&table) && !has_family;
                let by_policy =
                    is_plain && !found.indirect.contains(&table) && !named.contains(&table);
                reads.watched.push(Watched { table, by_policy });
            }
        }
    }
    Ok(reads)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_table_of_a_plan_is_found() {
        let plan = json!([{"Plan": {"Node Type": "Hash Join", "Plans": [
            {"Node Type": "Seq Scan", "Relation Name": "posts", "Schema": "public", "Alias": "p"},
            {"Node Type": "Hash", "Plans": [{"Relation Name": "a\"b", "Schema": "blog"}]},
        ]}}]);
        let mut found = BTreeSet::new();
        names(&plan, &mut found);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["\"blog\".\"a\"\"b\"", "\"public\".\"posts\""]
        );
    }

    #[test]
    fn a_plan_that_leaves_tables_out_is_noticed() {
        let node = |filter| json!([{"Plan": {"Node Type": "Result", "Plans": [{"One-Time Filter": filter}]}}]);
        assert!(is_cut(&node("false")));
        assert!(!is_cut(&node("($1 = 'on'::text)")));
    }
}
