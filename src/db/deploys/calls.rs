//! Functions that a plan calls: what they read is in no plan.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::PgConnection;

use crate::db::errors::Explain as _;
use crate::error::Result;

/// A function as a plan names it: its schema, empty where that goes without saying, and its name.
pub type Called = (String, String);

/// Collects the functions that the texts of a plan call.
pub fn of_plan(plan: &Value, found: &mut BTreeSet<Called>) {
    match plan {
        Value::String(text) => of_text(text, found),
        Value::Array(parts) => parts.iter().for_each(|part| of_plan(part, found)),
        Value::Object(fields) => {
            let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
            if let Some(name) = text("Function Name") {
                found.insert((text("Schema").unwrap_or_default(), name));
            }
            fields.values().for_each(|part| of_plan(part, found));
        }
        _ => {}
    }
}

/// Names before an opening parenthesis; not in what is quoted as a text.
fn of_text(text: &str, found: &mut BTreeSet<Called>) {
    let mut names: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            rest = after_quote(rest, '\'').1;
            names.clear();
        } else if first == '"' {
            let (name, left) = after_quote(rest, '"');
            names.push(name);
            rest = left;
        } else if first.is_alphanumeric() || matches!(first, '_' | '$') {
            let end = rest.find(|it: char| !it.is_alphanumeric() && !matches!(it, '_' | '$'));
            let (name, left) = rest.split_at(end.unwrap_or(rest.len()));
            names.push(name.to_owned());
            rest = left;
        } else {
            if first == '('
                && let Some(name) = names.pop()
            {
                found.insert((names.pop().unwrap_or_default(), name));
            }
            // A dot joins a name to its schema.
            if first != '.' {
                names.clear();
            }
            rest = &rest[first.len_utf8()..];
        }
    }
}

/// What is between quotes, each pair within it standing for one, and what comes after.
fn after_quote(text: &str, quote: char) -> (String, &str) {
    let (mut inside, mut rest) = (String::new(), &text[1..]);
    while let Some(end) = rest.find(quote) {
        inside.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        if !rest.starts_with(quote) {
            return (inside, rest);
        }
        inside.push(quote);
        rest = &rest[1..];
    }
    (inside, "")
}

/// Whether one of these may read tables: not those of Postgres, of extensions and of logins, and none
/// that promises to look at its arguments alone.
pub async fn may_read(connection: &mut PgConnection, called: &BTreeSet<Called>) -> Result<bool> {
    let (schemas, names): (Vec<&str>, Vec<&str>) =
        called.iter().map(|(schema, name)| (schema.as_str(), name.as_str())).unzip();
    let sql = "select exists (
            select from unnest($1::text[], $2::text[]) as called (schema, name)
            join pg_catalog.pg_proc f on f.proname = called.name
            join pg_catalog.pg_namespace n on n.oid = f.pronamespace
            join pg_catalog.pg_language l on l.oid = f.prolang
            where called.schema in ('', n.nspname) and n.nspname not in ('pg_catalog', 'auth')
                and f.provolatile <> 'i' and l.lanname not in ('c', 'internal')
                and not exists (select from pg_catalog.pg_depend d
                    where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = f.oid and d.deptype = 'e')
        )";
    let may = sqlx::query_scalar(sql).bind(schemas).bind(names).persistent(false);
    may.fetch_one(connection).await.or_explain("looking which functions the site calls")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_are_found_wherever_a_plan_calls_them() {
        let plan = json!([{"Plan": {
            "Node Type": "Seq Scan", "Relation Name": "products", "Schema": "public",
            "Output": ["products.id", "public.best_price(products.id)", "upper('x.y(')"],
            "Filter": "(\"Odd \"\"S\"\"\".\"f g\"(products.id) AND (a = 'it''s.no(t)'::text))",
            "Plans": [{"Function Name": "rows", "Schema": "shop"}],
        }}]);
        let mut found = BTreeSet::new();
        of_plan(&plan, &mut found);
        let found: Vec<String> =
            found.into_iter().map(|(schema, name)| format!("{schema}/{name}")).collect();
        assert_eq!(found, ["/upper", "Odd \"S\"/f g", "public/best_price", "shop/rows"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_it(text in "\\PC{0,60}|['\"(.a]{0,30}") {
            of_text(&text, &mut BTreeSet::new());
        }
    }
}
