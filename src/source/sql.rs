//! The SQL text of a collection's reads.

use crate::config::{Collection, From};

/// The name of a row in our queries: one that no column has, since a column would hide it.
const ROW: &str = "frieze_row";

/// An identifier, quoted; `schema.table` is quoted part by part.
pub fn quoted(name: &str) -> String {
    let parts = name.split('.').map(|part| format!("\"{}\"", part.replace('"', "\"\"")));
    parts.collect::<Vec<_>>().join(".")
}

/// Each row as one JSON text, in the collection's order. `unique` is what breaks ties, so that the
/// order is total and two builds of the same rows agree.
pub fn rows(collection: &Collection, unique: &[String]) -> String {
    let mut order: Vec<String> = collection.order_by.iter().cloned().collect();
    if unique.is_empty() {
        order.push(format!("{ROW}::text collate \"C\""));
    }
    order.extend(unique.iter().map(|column| format!("{ROW}.{}", quoted(column))));
    format!(
        "select row_to_json({ROW})::text from {} {ROW} order by {}",
        from(collection),
        order.join(", ")
    )
}

pub fn count(collection: &Collection) -> String {
    format!("select count(*) from {} {ROW}", from(collection))
}

fn from(collection: &Collection) -> String {
    match &collection.from {
        From::Table(table) => quoted(table),
        From::Query(query) => format!("({query})"),
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
    fn identifiers_are_quoted_part_by_part() {
        assert_eq!(quoted("public.order"), "\"public\".\"order\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
