//! The tables of the built-in kits, held against what the migrations make.

use super::catalog::Catalogue;
use super::migrations::{Progress, is_engine};
use super::relation::Relation;
use super::{Code, Finding};
use crate::db::migrate::{Migrations, Origin};
use crate::db::names;

/// What the built-in migrations make: for each table its migration and name, its columns and its
/// indexes, each as Postgres writes them. A test holds it against a fresh database.
const SHAPE: &str = include_str!("shape.txt");

/// The trigger that every one of these tables has.
const TRIGGER: &str = "touch_updated_at";

/// Indexes that a later migration takes away again.
const LIFTED: &[(i64, &str)] = &[(20_260_101_000_600, "site_changes_table_name_key")];

struct Expected<'a> {
    migration: i64,
    table: &'a str,
    columns: Vec<&'a str>,
    indexes: Vec<&'a str>,
}

fn expected() -> impl Iterator<Item = Expected<'static>> {
    SHAPE.split("\n\n").filter_map(|block| {
        let mut lines = block.trim().lines();
        let (migration, table) = lines.next()?.split_once(' ')?;
        let (indexes, columns) = lines.partition(|line| line.starts_with("CREATE "));
        Some(Expected { migration: migration.parse().ok()?, table, columns, indexes })
    })
}

/// The tables that are the engine's own here: a table of such a name that no migration made is
/// somebody else's.
pub fn engine_tables(progress: &Progress, migrations: &Migrations) -> Vec<&'static str> {
    let is_ours = |version| {
        let mut engine = migrations.all().filter(|entry| is_engine(&entry.origin));
        engine.any(|entry| entry.version == version) && progress.has(version)
    };
    expected().filter(|table| is_ours(table.migration)).map(|table| table.table).collect()
}

pub fn findings(
    catalogue: &Catalogue,
    progress: &Progress,
    migrations: &Migrations,
) -> Vec<Finding> {
    let built_in: Vec<i64> = migrations
        .active()
        .filter(|entry| matches!(entry.origin, Origin::BuiltIn(_)) && progress.has(entry.version))
        .map(|entry| entry.version)
        .collect();
    let mut findings = Vec::new();
    for mut table in expected().filter(|table| built_in.contains(&table.migration)) {
        table.indexes.retain(|index| !is_lifted(index, progress));
        match catalogue.find_in("public", table.table) {
            Some(relation) => compare(&table, relation, &mut findings),
            None => findings.push(missing(&table)),
        }
    }
    findings
}

fn is_lifted(index: &str, progress: &Progress) -> bool {
    let names = |name| index.split(' ').any(|word| word == name);
    LIFTED.iter().any(|(version, name)| progress.has(*version) && names(*name))
}

fn missing(table: &Expected) -> Finding {
    let message = "the table is gone, though its migration was applied";
    Finding::error(Code::TableMissing, format!("public.{}", table.table), message)
        .mend("forget that the migration was applied, then run `frieze db migrate`: it makes what is missing and keeps the rest")
        .sql(format!("delete from frieze.migrations where version = {};", table.migration))
}

fn compare(table: &Expected, relation: &Relation, findings: &mut Vec<Finding>) {
    findings.extend(table.columns.iter().filter_map(|column| of_column(column, relation)));
    if !relation.is_table() {
        return;
    }
    findings.extend(table.indexes.iter().filter_map(|index| of_index(index, relation)));
    if !relation.triggers.iter().any(|name| name == TRIGGER) {
        let message = "the trigger that keeps updated_at is gone";
        let create = format!(
            "create trigger {TRIGGER} before update on {}\n    for each row when (old.* is distinct from new.*) execute function frieze.touch_updated_at();",
            relation.sql
        );
        findings.push(Finding::warning(Code::TriggerMissing, &relation.sql, message).sql(create));
    }
}

fn of_column(line: &str, relation: &Relation) -> Option<Finding> {
    let (name, rest) = line.split_once(' ')?;
    let kind = rest.split(" default ").next().unwrap_or(rest).trim_end_matches(" not null");
    let plain = name.trim_matches('"');
    let subject = format!("{}.{name}", relation.sql);
    let Some(found) = relation.column(plain) else {
        let is_fillable = rest.contains(" default ") || !rest.contains(" not null");
        let rest = if is_fillable { rest } else { kind };
        let finding = Finding::error(Code::ColumnMissing, subject, "the column is missing")
            .sql(format!("alter table {} add column {name} {rest};", relation.sql));
        let mend = format!(
            "afterwards fill it, and say: alter table {} alter column {name} set not null",
            relation.sql
        );
        return Some(if is_fillable { finding } else { finding.mend(mend) });
    };
    if same(&found.kind, kind) {
        return None;
    }
    let message = format!("the column is {} instead of {kind}", found.kind);
    Some(Finding::warning(Code::ColumnType, subject, message).sql(format!(
        "alter table {} alter column {name} drop default, alter column {name} type {kind} using {name}::text::{kind}{};",
        relation.sql,
        default(rest).map_or_else(String::new, |it| format!(", alter column {name} set default {it}"))
    )))
}

fn default(rest: &str) -> Option<&str> {
    rest.split_once(" default ").map(|(_, default)| default)
}

fn of_index(definition: &str, relation: &Relation) -> Option<Finding> {
    let wanted = unnamed(definition);
    let found = relation.indexes.iter().find(|index| same(unnamed(&index.definition), wanted));
    let name = definition.split(" INDEX ").nth(1)?.split(' ').next()?;
    match found {
        Some(index) if index.is_valid => None,
        Some(index) => {
            let message = "the index is not valid, so no query uses it";
            let finding = Finding::warning(Code::IndexInvalid, &index.sql, message);
            Some(finding.sql(format!("reindex index {};", index.sql)))
        }
        None => {
            let message = format!("the index {name} is missing");
            let finding = Finding::warning(Code::IndexMissing, &relation.sql, message);
            let taken =
                relation.indexes.iter().any(|index| index.sql.ends_with(&format!(".{name}")));
            let create = if taken {
                definition.replacen(name, &names::quoted(&format!("{name}_site")), 1)
            } else {
                definition.to_owned()
            };
            Some(finding.sql(format!("{create};")))
        }
    }
}

/// An index's definition without its name, but with whether it is unique.
fn unnamed(definition: &str) -> &str {
    let is_unique = definition.starts_with("CREATE UNIQUE");
    let place = definition.find(" ON ").unwrap_or_default();
    let from = if is_unique { place } else { place + 1 };
    &definition[from..]
}

/// Whether two types or definitions are one but for the schemas they name: an extension's types
/// live elsewhere on Supabase.
fn same(one: &str, other: &str) -> bool {
    unqualified(one) == unqualified(other)
}

fn unqualified(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut result = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '.' {
            result.truncate(result.trim_end_matches(is_word).len());
        } else {
            result.push(c);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_read_with_columns_and_indexes() {
        let tables: Vec<_> = expected().collect();
        assert_eq!(tables.len(), 19);
        for table in tables {
            assert!(table.columns.len() >= 3, "{}", table.table);
            assert!(!table.indexes.is_empty(), "{}", table.table);
        }
    }

    #[test]
    fn schemas_do_not_tell_definitions_apart_but_uniqueness_does() {
        assert!(same("extensions.vector(1536)", "vector(1536)"));
        let plain = "CREATE INDEX a ON public.t USING hnsw (e extensions.vector_cosine_ops)";
        let named = "CREATE INDEX b ON t USING hnsw (e vector_cosine_ops)";
        assert!(same(unnamed(plain), unnamed(named)));
        let unique = "CREATE UNIQUE INDEX a ON public.t USING btree (e)";
        assert!(!same(unnamed(unique), unnamed(&unique.replace("UNIQUE ", ""))));
    }
}
