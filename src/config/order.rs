//! `order_by` of JSON files: the part of SQL's ORDER BY that needs no database.

use super::OrderBy;
use crate::error::{Error, Result};

/// Parses `"order", start_date desc nulls last`.
pub fn parse(text: &str, key: &str) -> Result<Vec<OrderBy>> {
    text.split(',')
        .map(str::trim)
        .filter(|term| !term.is_empty())
        .map(|term| one(term, key))
        .collect()
}

fn one(term: &str, key: &str) -> Result<OrderBy> {
    let mut words = term.split_whitespace();
    let column = words.next().unwrap_or_default().trim_matches('"').to_owned();
    let rest: Vec<_> = words.map(str::to_ascii_lowercase).collect();
    let rest: Vec<_> = rest.iter().map(String::as_str).collect();
    let (descending, nulls) = match rest.as_slice() {
        ["desc", nulls @ ..] => (true, nulls),
        ["asc", nulls @ ..] | nulls => (false, nulls),
    };
    let nulls_first = match nulls {
        [] => descending,
        ["nulls", "first"] => true,
        ["nulls", "last"] => false,
        _ => {
            return Err(Error::config(format!("frieze.toml: {key}: cannot read \"{term}\""))
                .help("write columns with an optional asc or desc and nulls first or nulls last"));
        }
    };
    Ok(OrderBy { column, descending, nulls_first })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_follow_sql_unless_said_otherwise() {
        let order = parse("\"order\", a desc, b desc nulls last, c nulls first", "k").unwrap();
        let read: Vec<_> =
            order.iter().map(|o| (o.column.as_str(), o.descending, o.nulls_first)).collect();
        assert_eq!(
            read,
            [("order", false, false), ("a", true, true), ("b", true, false), ("c", false, true)]
        );
    }

    #[test]
    fn expressions_are_refused_by_name() {
        let error = parse("lower(a) using >", "json.x").unwrap_err();
        assert!(error.to_string().contains("json.x"), "{error}");
    }
}
