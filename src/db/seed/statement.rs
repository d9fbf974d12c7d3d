//! The SQL of seeding. Every statement takes a JSON array of rows as its one big parameter.

use indexmap::IndexSet;

use super::catalog::{Column, Table};
use super::identity::Known;

/// Finds rows by their keys: `(place in the array from 1, recorded key, version)`.
pub(super) fn look(table: &Table, by: &[String]) -> String {
    let Table { sql: name, .. } = table;
    format!(
        "select e.n, {key}::text, t.xmin::text \
         from jsonb_array_elements($1::jsonb) with ordinality as e(item, n) \
         cross join lateral jsonb_populate_record(null::{name}, e.item) as r \
         join {name} as t on {same}",
        key = key_object(table, by),
        same = same(table, by),
    )
}

/// The key a row is recorded under, as a JSON object: its primary key, where there is one.
fn key_object(table: &Table, by: &[String]) -> String {
    let pairs = recorded_key(table, by)
        .iter()
        .map(|column| format!("'{}', t.{}", column.replace('\'', "''"), quoted(table, column)));
    format!("jsonb_build_object({})", pairs.collect::<Vec<_>>().join(", "))
}

fn recorded_key<'a>(table: &'a Table, by: &'a [String]) -> &'a [String] {
    let primary = table.primary_key();
    if primary.is_empty() { by } else { primary }
}

/// Deletes rows by the keys they are recorded under.
pub(super) fn delete(table: &Table, by: &[String]) -> String {
    let Table { sql: name, .. } = table;
    format!(
        "delete from {name} as t using jsonb_array_elements($1::jsonb) as e(item) \
         cross join lateral jsonb_populate_record(null::{name}, e.item) as r where {}",
        same(table, by),
    )
}

/// Inserts rows given as `{"d": row}`; a column that a row lacks gets its default.
pub(super) fn insert(table: &Table, rows: &[&Known]) -> String {
    let Table { sql: name, .. } = table;
    let columns = columns(table, rows, &[]);
    let values = columns.iter().map(|column| inserted(table, column, rows));
    format!(
        "insert into {name} ({}) select {} from {}",
        columns.iter().map(|column| column.sql.as_str()).collect::<Vec<_>>().join(", "),
        values.collect::<Vec<_>>().join(", "),
        source(table),
    )
}

fn inserted(table: &Table, column: &Column, rows: &[&Known]) -> String {
    let Column { sql, default, .. } = column;
    let is_made = |row: &&Known| row.made.is_some_and(|(name, _)| name == column.name);
    let Some(default) = default else { return format!("r.{sql}") };
    if rows.iter().all(|row| is_made(row) && !row.is_by_made_id()) {
        // Somebody renamed the row that has this id: theirs keeps it.
        return format!(
            "case when exists (select from {} as t where t.{sql} = r.{sql}) then {default} else r.{sql} end",
            table.sql
        );
    }
    if rows.iter().all(|row| is_made(row) || row.row.fields.contains_key(&column.name)) {
        return format!("r.{sql}");
    }
    format!("case when e.item -> 'd' ? {} then r.{sql} else {default} end", literal(&column.name))
}

/// Updates rows given as `{"d": row, "v": columns that go back to their default}`, those that
/// differ. None if the rows say nothing but their keys.
pub(super) fn update(table: &Table, rows: &[&Known], vanished: &[&str]) -> Option<String> {
    let Table { sql: name, .. } = table;
    let mut columns = columns(table, rows, vanished);
    columns.retain(|column| !table.primary_key().contains(&column.name));
    if columns.is_empty() {
        return None;
    }
    let by = rows.first()?.by;
    let values: Vec<String> =
        columns.iter().map(|column| updated(column, rows, vanished)).collect();
    let set =
        columns.iter().zip(&values).map(|(column, value)| format!("{} = {value}", column.sql));
    let old: Vec<String> = columns.iter().map(|column| format!("t.{}", column.sql)).collect();
    // `*<>` compares what is stored, byte by byte: it works for every type, and a change of case
    // in a case-insensitive column is a change.
    Some(format!(
        "update {name} as t set {} from {} where {} and row({})::record *<> row({})::record",
        set.collect::<Vec<_>>().join(", "),
        source(table),
        same(table, by),
        old.join(", "),
        values.join(", "),
    ))
}

fn updated(column: &Column, rows: &[&Known], vanished: &[&str]) -> String {
    let Column { name, sql, default, .. } = column;
    if rows.iter().all(|row| row.row.fields.contains_key(name)) {
        return format!("r.{sql}");
    }
    let back = if vanished.contains(&name.as_str()) {
        let default = default.as_deref().unwrap_or("null");
        format!("when e.item -> 'v' ? {} then {default} ", literal(name))
    } else {
        String::new()
    };
    format!("case when e.item -> 'd' ? {} then r.{sql} {back}else t.{sql} end", literal(name))
}

/// Checks that one field's value can be its column's.
pub(super) fn probe(table: &Table) -> String {
    format!("select jsonb_populate_record(null::{}, $1::jsonb)::text", table.sql)
}

fn source(table: &Table) -> String {
    format!(
        "jsonb_array_elements($1::jsonb) as e(item) \
         cross join lateral jsonb_populate_record(null::{}, e.item -> 'd') as r",
        table.sql
    )
}

/// The columns that occur in any of the rows, in the table's order.
fn columns<'t>(table: &'t Table, rows: &[&Known], vanished: &[&str]) -> Vec<&'t Column> {
    let mut names: IndexSet<&str> = vanished.iter().copied().collect();
    for row in rows {
        names.extend(row.row.fields.keys().map(String::as_str));
        names.extend(row.made.iter().map(|(name, _)| *name));
    }
    table.columns.iter().filter(|column| names.contains(column.name.as_str())).collect()
}

fn same(table: &Table, by: &[String]) -> String {
    let pairs = by.iter().map(|column| quoted(table, column));
    pairs.map(|column| format!("t.{column} = r.{column}")).collect::<Vec<_>>().join(" and ")
}

fn quoted<'a>(table: &'a Table, column: &'a str) -> &'a str {
    table.column(column).map_or(column, |column| column.sql.as_str())
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
