//! The SQL text of a collection's reads.

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

use super::cells::Column;
use crate::config::{Collection, From};
use crate::db;
pub use crate::db::{quoted, quoted_part};

/// The name of a row in our queries: one that no column has, since a column would hide it.
pub const ROW: &str = "frieze_row";

/// The names of the columns, in their order, from one row. The query begins on the second line.
pub fn names(collection: &Collection) -> String {
    format!(
        "select json_object_keys(row_to_json({ROW})) from (select * from {} {ROW} limit 1) {ROW}",
        from(collection)
    )
}

/// The names of these columns' types.
pub fn types(collection: &Collection, names: &[String]) -> String {
    let types = names.iter().map(|name| format!("pg_typeof({ROW}.{})::text", quoted_part(name)));
    let types = types.collect::<Vec<_>>().join(", ");
    format!("select array[{types}] from {} {ROW} limit 1", from(collection))
}

/// Every row in the collection's order: columns of text as they are, all others as JSON text, so
/// that any type of any schema can be read. `unique` is what breaks ties, so that the order is total
/// and two builds of the same rows agree.
pub fn rows(collection: &Collection, columns: &[Column], unique: &[String]) -> String {
    let mut order: Vec<String> = collection.order_by.iter().cloned().collect();
    if unique.is_empty() {
        order.push(format!("{ROW}::text collate \"C\""));
    }
    order.extend(unique.iter().map(|column| format!("{ROW}.{}", quoted_part(column))));
    format!(
        "select {} from {} {ROW} order by {}",
        selected(columns),
        from(collection),
        order.join(", ")
    )
}

fn selected(columns: &[Column]) -> String {
    let select = columns.iter().map(|column| {
        let name = quoted_part(&column.name);
        if column.is_text {
            format!("{ROW}.{name}")
        } else {
            format!("to_json({ROW}.{name})::text")
        }
    });
    select.collect::<Vec<_>>().join(", ")
}

/// Those rows of a table whose keys are in a JSON array of objects, `$1`.
pub fn some(table: &str, columns: &[Column], key: &[String]) -> String {
    format!("select {} from {}", selected(columns), by_key(table, key))
}

/// The same, in the collection's order.
pub fn some_in_order(
    collection: &Collection,
    table: &str,
    columns: &[Column],
    key: &[String],
) -> String {
    let mut order: Vec<String> = collection.order_by.iter().cloned().collect();
    order.extend(key.iter().map(|column| format!("{ROW}.{}", quoted_part(column))));
    format!(
        "select {} from {} order by {}",
        selected(columns),
        by_key(table, key),
        order.join(", ")
    )
}

/// Each key is looked up by itself: a planner that knows nothing of the table might read all of it.
fn by_key(table: &str, key: &[String]) -> String {
    let same = key.iter().map(|name| {
        let name = quoted_part(name);
        format!("frieze_key.{name} = t.{name}")
    });
    format!(
        "(select f.* from (select distinct {} from json_populate_recordset(null::{table}, $1::json)) \
         frieze_key cross join lateral (select * from {table} t where {} offset 0) f) {ROW}",
        key.iter().map(|name| quoted_part(name)).collect::<Vec<_>>().join(", "),
        same.collect::<Vec<_>>().join(" and "),
        table = quoted(table),
    )
}

/// How many rows there are, and a sum of their hashes.
pub fn print(collection: &Collection) -> String {
    format!(
        "select count(*) || ' ' || coalesce(sum(hashtextextended({ROW}::text, 0)::numeric), 0) from {} {ROW}",
        from(collection)
    )
}

pub fn count(collection: &Collection) -> String {
    format!("select count(*) from {} {ROW}", from(collection))
}

/// A statement over a collection, with the values of its parameters. No statement is kept: a
/// pooler may lend the next transaction another connection, which does not know it.
pub fn over<'q>(
    collection: &Collection,
    sql: String,
) -> sqlx::Result<Query<'q, Postgres, PgArguments>> {
    let arguments = match &collection.from {
        From::Table(_) => PgArguments::default(),
        From::Query { parameters, .. } => db::arguments(parameters)?,
    };
    Ok(sqlx::query_with(AssertSqlSafe(sql), arguments).persistent(false))
}

fn from(collection: &Collection) -> String {
    match &collection.from {
        From::Table(table) => quoted(table),
        // A comment may end the query.
        From::Query { sql, .. } => format!("(\n{sql}\n)"),
    }
}

/// The columns of a table's primary key; none for a view. The catalogue is readable by every role.
pub const PRIMARY_KEY: &str = "
    select a.attname::text
    from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
    where i.indisprimary and i.indrelid = to_regclass($1)
    order by array_position(i.indkey::int2[], a.attnum)";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_read_as_it_is() {
        let config = "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"\n\
            [collections.posts]\norder_by = \"day desc\"";
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("frieze.toml"), config).unwrap();
        let config = crate::config::Config::load(
            folder.path(),
            &crate::config::Overrides::default(),
            &|_| None,
        );
        let column =
            |name: &str, is_text| Column { name: name.to_owned(), is_text, is_touch: false };
        let columns = [column("body", true), column("day", false)];
        let query = rows(&config.unwrap().collections["posts"], &columns, &["id".to_owned()]);
        assert_eq!(
            query,
            "select frieze_row.\"body\", to_json(frieze_row.\"day\")::text from \"posts\" frieze_row \
             order by day desc, frieze_row.\"id\""
        );
    }

    #[test]
    fn identifiers_are_quoted_part_by_part() {
        assert_eq!(quoted("public.order"), "\"public\".\"order\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
