//! Any table of any schema, as SQL names it, and how its rows are found and their values converted:
//! by Postgres itself.

use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Stop, stop};
use crate::enrich::FailureKind;

/// A table as the effects of tasks name it.
pub struct Table {
    /// As it is written down: without the schema `public`.
    pub name: String,
    /// Quoted, as SQL takes it.
    pub sql: String,
}

impl Table {
    pub fn new(name: &str) -> Self {
        let name = name.strip_prefix("public.").unwrap_or(name);
        let parts: Vec<String> = name.splitn(2, '.').map(quoted).collect();
        Self { name: name.to_owned(), sql: parts.join(".") }
    }

    /// `t` is the row that `k` tells the key of.
    pub fn same(columns: &[&String]) -> String {
        let same = columns.iter().map(|name| format!("t.{0} = k.{0}", quoted(name)));
        same.collect::<Vec<_>>().join(" and ")
    }

    /// The columns of the primary key; none, where there is no such key.
    pub async fn primary_key(&self, connection: &mut PgConnection) -> Result<Vec<String>, Stop> {
        const KEY: &str = "\
            select a.attname::text from pg_index as i
            join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
            where i.indrelid = to_regclass($1) and i.indisprimary order by a.attnum";
        let key = sqlx::query_scalar(KEY).bind(&self.sql).persistent(false);
        key.fetch_all(connection).await.map_err(stop)
    }
}

/// Columns of a row as one JSON object: `alias.column` for each.
pub fn object<'a>(alias: &str, columns: impl Iterator<Item = &'a String>) -> String {
    let pairs = columns.map(|name| format!("{}, {alias}.{}", literal(name), quoted(name)));
    format!("jsonb_build_object({})", pairs.collect::<Vec<_>>().join(", "))
}

pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\"").replace('\0', ""))
}

pub fn literal(text: &str) -> String {
    // A backslash is an ordinary character where standard_conforming_strings is on, and else not.
    let text = text.replace('\'', "''").replace('\\', "\\\\").replace('\0', "");
    format!("E'{text}'")
}

/// A key that names a row has columns.
pub fn columns<'a>(key: &'a Map<String, Value>, table: &Table) -> Result<Vec<&'a String>, Stop> {
    if key.is_empty() {
        let why = format!("no column of {} says which row is meant", table.name);
        return Err(Stop::Refused(FailureKind::Final, why));
    }
    Ok(key.keys().collect())
}

/// SQL made of quoted names.
pub fn safe(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted() {
        for (name, written, sql) in [
            ("projects", "projects", "\"projects\""),
            ("public.projects", "projects", "\"projects\""),
            ("shop.Odd table", "shop.Odd table", "\"shop\".\"Odd table\""),
            ("a\"b; drop", "a\"b; drop", "\"a\"\"b; drop\""),
        ] {
            let table = Table::new(name);
            assert_eq!((table.name.as_str(), table.sql.as_str()), (written, sql));
        }
        assert_eq!(literal("a'b\\"), "E'a''b\\\\'");
    }
}
