//! The SQL of seeding. Every statement takes a JSON array of rows as its one big parameter: `json`,
//! not `jsonb`, because that keeps what a column of the type `json` gets as it is written.

use indexmap::IndexSet;

use super::Mode;
use super::catalog::{Column, Table};
use super::identity::Known;

/// Finds rows by their keys: `(place in the array from 1, recorded key, version)`.
pub(super) fn look(table: &Table, by: &[String]) -> String {
    let Table { sql: name, .. } = table;
    format!(
        "select e.n, {key}::text, t.xmin::text \
         from json_array_elements($1::json) with ordinality as e(item, n) \
         cross join lateral json_populate_record(null::{name}, e.item) as r \
         join {name} as t on {same}",
        key = key_object(table, by),
        same = same(table, by),
    )
}

/// The key a row is recorded under, as a JSON object: its primary key, where there is one.
pub(in crate::db) fn key_object(table: &Table, by: &[String]) -> String {
    let pairs = recorded_key(table, by)
        .iter()
        .map(|column| format!("{}, t.{}", literal(column), quoted(table, column)));
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
        "delete from {name} as t using json_array_elements($1::json) as e(item) \
         cross join lateral json_populate_record(null::{name}, e.item) as r where {}",
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
    let given = given(column, rows);
    let Some(default) = default else { return given };
    if rows.iter().all(|row| is_made(row) && !row.is_by_made_id()) {
        // Somebody renamed the row that has this id: theirs keeps it.
        return format!(
            "case when exists (select from {} as t where t.{sql} = r.{sql}) then {default} else r.{sql} end",
            table.sql
        );
    }
    if rows.iter().all(|row| is_made(row) || row.row.fields.contains_key(&column.name)) {
        return given;
    }
    format!("case when {} then {given} else {default} end", has("d", &column.name))
}

/// A column's value as the row says it. JSON's null comes out of a record as no value at all, so a
/// text that is read by itself takes its place.
pub(in crate::db) fn given(column: &Column, rows: &[&Known]) -> String {
    let Column { name, sql, kind, .. } = column;
    let is_spelled = |row: &&Known| row.row.spelled().any(|(column, _)| column == name);
    if column.is_json() && rows.iter().any(is_spelled) {
        let text = format!("e.item -> 'j' ->> {}", literal(name));
        return format!("coalesce(({text})::{kind}, r.{sql})");
    }
    format!("r.{sql}")
}

/// Whether the part of an item names a column.
pub(in crate::db) fn has(part: &str, column: &str) -> String {
    format!("e.item -> '{part}' -> {} is not null", literal(column))
}

/// Updates rows given as `{"d": row, "v": columns that go back to their default}`, those that
/// differ. None if the rows say nothing but their keys.
pub(super) fn update(
    table: &Table,
    rows: &[&Known],
    vanished: &[&str],
    mode: Mode,
) -> Option<String> {
    let change = Change::of(table, rows, vanished, mode)?;
    let set = change.columns.iter().zip(&change.values);
    let set = set.map(|(column, value)| format!("{} = {value}", column.sql));
    Some(format!(
        "update {} as t set {} from {} where {} and {}",
        table.sql,
        set.collect::<Vec<_>>().join(", "),
        source(table),
        same(table, rows.first()?.by),
        change.differs(),
    ))
}

/// Locks rows that are there, and tells of each whether it differs from its file and which of the
/// two is newer: `(place in the array from 1, recorded key, verdict as JSON)`.
pub(super) fn weigh(table: &Table, rows: &[&Known], mode: Mode) -> Option<String> {
    let by = rows.first()?.by;
    let differs = Change::of(table, rows, &[], mode)
        .map_or_else(|| "false".to_owned(), |change| change.differs());
    let [newer, database, file] = match table.touched() {
        Some(Column { sql, name, .. }) => [
            format!("case when {} then t.{sql} > r.{sql} end", has("d", name)),
            format!("t.{sql}"),
            format!("r.{sql}"),
        ],
        None => ["null::bool", "null::text", "null::text"].map(str::to_owned),
    };
    Some(format!(
        "select e.n, {key}::text, json_build_object('version', t.xmin::text, 'differs', {differs}, \
         'newer', {newer}, 'database', {database}, 'file', {file})::text \
         from json_array_elements($1::json) with ordinality as e(item, n) \
         cross join lateral json_populate_record(null::{name}, e.item -> 'd') as r \
         join {name} as t on {same} for update of t",
        key = key_object(table, by),
        name = table.sql,
        same = same(table, by),
    ))
}

/// What an update sets.
struct Change<'t> {
    columns: Vec<&'t Column>,
    values: Vec<String>,
}

impl<'t> Change<'t> {
    fn of(table: &'t Table, rows: &[&Known], vanished: &[&str], mode: Mode) -> Option<Self> {
        let mut columns = columns(table, rows, vanished);
        columns.retain(|column| !table.primary_key().contains(&column.name));
        let touched = table.touched().filter(|_| mode != Mode::Mirror).map(|it| &it.name);
        let value = |column: &&Column| {
            let value = updated(column, rows, vanished);
            if touched == Some(&column.name) { later(column, &value) } else { value }
        };
        let values = columns.iter().map(value).collect();
        (!columns.is_empty()).then_some(Self { columns, values })
    }

    /// `*<>` compares what is stored, byte by byte: it works for every type, and a change of case
    /// in a case-insensitive column is a change.
    fn differs(&self) -> String {
        let old: Vec<String> =
            self.columns.iter().map(|column| format!("t.{}", column.sql)).collect();
        format!("row({})::record *<> row({})::record", old.join(", "), self.values.join(", "))
    }
}

/// Files keep the `updated_at` of the export they come from while people edit the rest of them: an
/// earlier time is no change, and the database notes a new one.
fn later(column: &Column, value: &str) -> String {
    let old = format!("t.{}", column.sql);
    format!("case when {value} > {old} then {value} else {old} end")
}

fn updated(column: &Column, rows: &[&Known], vanished: &[&str]) -> String {
    let Column { name, sql, default, .. } = column;
    if rows.iter().all(|row| row.says(name)) {
        return given(column, rows);
    }
    let back = if vanished.contains(&name.as_str()) {
        let default = default.as_deref().unwrap_or("null");
        format!("when {} then {default} ", has("v", name))
    } else {
        String::new()
    };
    format!("case when {} then {} {back}else t.{sql} end", has("d", name), given(column, rows))
}

/// Checks that one field's value can be its column's.
pub(super) fn probe(table: &Table) -> String {
    format!("select json_populate_record(null::{}, $1::json)::text", table.sql)
}

fn source(table: &Table) -> String {
    format!(
        "json_array_elements($1::json) as e(item) \
         cross join lateral json_populate_record(null::{}, e.item -> 'd') as r",
        table.sql
    )
}

/// The columns that occur in any of the rows, in the table's order.
fn columns<'t>(table: &'t Table, rows: &[&Known], vanished: &[&str]) -> Vec<&'t Column> {
    let mut names: IndexSet<&str> = vanished.iter().copied().collect();
    for row in rows {
        names.extend(row.row.fields.keys().filter(|name| row.says(name)).map(String::as_str));
        names.extend(row.made.iter().map(|(name, _)| *name));
    }
    table.columns.iter().filter(|column| names.contains(column.name.as_str())).collect()
}

pub(in crate::db) fn same(table: &Table, by: &[String]) -> String {
    let pairs = by.iter().map(|column| quoted(table, column));
    pairs.map(|column| format!("t.{column} = r.{column}")).collect::<Vec<_>>().join(" and ")
}

fn quoted<'a>(table: &'a Table, column: &'a str) -> &'a str {
    table.column(column).map_or(column, |column| column.sql.as_str())
}

pub(in crate::db) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
