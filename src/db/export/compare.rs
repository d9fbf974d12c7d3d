//! Asking the database: which of its rows a file's row is, and what the two do not share.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Map, Value};
use sqlx::PgConnection;

use super::stored::{self, Stored};
use crate::db::seed::Row;
use crate::db::seed::batch::{Batch, next_chunk};
use crate::db::seed::catalog::Table;
use crate::db::seed::identity::Known;
use crate::db::seed::statement::{given, has, literal, same};
use crate::error::{Error, Result};

/// For each row of the files where the row lies that it is known as, if there is one.
pub(super) async fn locate(
    conn: &mut PgConnection,
    table: &Table,
    known: &[Known<'_>],
) -> Result<Vec<Option<String>>> {
    let mut groups: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (index, known) in known.iter().enumerate() {
        groups.entry(known.by).or_default().push(index);
    }
    let mut located = vec![None; known.len()];
    for (by, group) in groups {
        let items = group.iter().map(|&index| (index, &known[index], known[index].key()));
        look(conn, table, by, items, &mut located).await?;
    }
    // Somebody deleted a row and made it anew: the id in its file is gone, its slug is back.
    for key in table.keys.iter().filter(|key| !key.is_primary) {
        let lost = known.iter().enumerate().filter(|(index, _)| located[*index].is_none());
        let items = lost.filter_map(|(index, known)| {
            let field = |column: &String| {
                let value = known.row.fields.get(column).filter(|value| !value.is_null())?;
                Some((column.clone(), value.clone()))
            };
            Some((index, known, key.columns.iter().map(field).collect::<Option<_>>()?))
        });
        let items: Vec<_> = items.collect();
        let mut again = vec![None; known.len()];
        look(conn, table, &key.columns, items.into_iter(), &mut again).await?;
        let mut taken: HashSet<String> = located.iter().flatten().cloned().collect();
        for (located, again) in located.iter_mut().zip(again) {
            *located = located.take().or_else(|| again.filter(|at| taken.insert(at.clone())));
        }
    }
    Ok(located)
}

/// Looks rows up by a key and notes where they lie.
async fn look<'k>(
    conn: &mut PgConnection,
    table: &Table,
    by: &[String],
    items: impl Iterator<Item = (usize, &'k Known<'k>, Map<String, Value>)>,
    located: &mut [Option<String>],
) -> Result<()> {
    let sql = format!(
        "select e.n, t.tableoid::text || ' ' || t.ctid::text, ''::text \
         from json_array_elements($1::json) with ordinality as e(item, n) \
         cross join lateral json_populate_record(null::{name}, e.item) as r \
         join {name} as t on {same}",
        name = table.sql,
        same = same(table, by),
    );
    let items = items.map(|(index, known, key)| (index, known.row, Value::Object(key).to_string()));
    for (index, at, _) in ask(conn, table, &sql, items).await? {
        located[index] = Some(at);
    }
    Ok(())
}

/// For each pair the columns in which the row of the file, put into an empty table, would differ
/// from the row of the database.
pub(super) async fn differences(
    conn: &mut PgConnection,
    table: &Table,
    pairs: &[(Known<'_>, &Stored)],
) -> Result<Vec<Vec<String>>> {
    let rows: Vec<&Known> = pairs.iter().map(|(known, _)| known).collect();
    let sql = statement(table, &rows);
    let items = pairs.iter().enumerate().map(|(index, (known, stored))| {
        let (oid, at) = stored.at.split_once(' ').unwrap_or_default();
        let mut item = known.item(&[]);
        item.pop();
        (index, known.row, format!("{item},\"o\":\"{oid}\",\"c\":\"{at}\"}}"))
    });
    let mut differences = vec![Vec::new(); pairs.len()];
    for (index, _, names) in ask(conn, table, &sql, items).await? {
        differences[index] = serde_json::from_str(&names).map_err(|error| {
            Error::database("the database compared a row in an unknown way").because(error)
        })?;
    }
    Ok(differences)
}

fn statement(table: &Table, rows: &[&Known]) -> String {
    let checks = stored::columns(table).map(|column| {
        let (given, named) = (given(column, rows), has("d", &column.name));
        let differs =
            |value: &str| format!("row({value})::record *<> row(t.{})::record", column.sql);
        let differs = match column.constant_default() {
            Some(default) => differs(&format!("case when {named} then {given} else {default} end")),
            None => format!("{named} is not true or {}", differs(&given)),
        };
        format!("case when {differs} then {}::text end", literal(&column.name))
    });
    format!(
        "select e.n, '', array_to_json(array_remove(array[{}]::text[], null))::text \
         from json_array_elements($1::json) with ordinality as e(item, n) \
         cross join lateral json_populate_record(null::{name}, e.item -> 'd') as r \
         join {name} as t on t.tableoid = (e.item ->> 'o')::oid and t.ctid = (e.item ->> 'c')::tid",
        checks.collect::<Vec<_>>().join(", "),
        name = table.sql,
    )
}

/// Sends rows and gathers the answers by what came with each row.
async fn ask<'r>(
    conn: &mut PgConnection,
    table: &Table,
    sql: &str,
    mut items: impl Iterator<Item = (usize, &'r Row, String)>,
) -> Result<Vec<(usize, String, String)>> {
    let mut answers = Vec::new();
    while let Some((indexes, items)) = next_chunk(&mut items) {
        for (n, first, second) in (Batch { table, sql, items }).fetch(conn).await? {
            let index = usize::try_from(n - 1).ok().and_then(|n| indexes.get(n));
            answers.extend(index.map(|&index| (index, first, second)));
        }
    }
    Ok(answers)
}
