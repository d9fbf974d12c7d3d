//! What a Database Webhook of Supabase says: which table, and the row before and after.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// Longer names than Postgres has are not of Postgres.
const LONGEST_NAME: usize = 63 * 4;

/// The part of the body that matters. Rows stay text: nothing in them is of interest.
#[derive(Debug, Deserialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: String,
    table: String,
    schema: String,
    #[serde(borrow, default)]
    record: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_record: Option<&'a RawValue>,
}

/// What is to be done about it.
#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    /// The table changed.
    Change(String),
    /// A row was saved as it was.
    Same(String),
    /// It is not what Supabase sends, and why.
    Nonsense(&'static str),
}

/// `idle` finds the columns whose change alone changes no page; it is only asked where rows differ.
pub fn read(body: &[u8], idle: &dyn Fn() -> Vec<&'static str>) -> Told {
    let Ok(body) = serde_json::from_slice::<Body<'_>>(body) else {
        return Told::Nonsense("the body is not that of a database webhook");
    };
    if !matches!(body.kind.as_str(), "INSERT" | "UPDATE" | "DELETE" | "TRUNCATE") {
        return Told::Nonsense("the type is not INSERT, UPDATE, DELETE or TRUNCATE");
    }
    let names = [&body.schema, &body.table];
    if names.iter().any(|name| name.is_empty() || name.len() > LONGEST_NAME) {
        return Told::Nonsense("the table has no name");
    }
    let table = format!("{}.{}", body.schema, body.table);
    let same = match (columns(body.record), columns(body.old_record)) {
        (Some(new), Some(old)) => new == old || differ_in(&new, &old, &idle()),
        _ => false,
    };
    if same && body.kind == "UPDATE" { Told::Same(table) } else { Told::Change(table) }
}

type Columns<'a> = BTreeMap<String, &'a str>;

/// A row's columns, each as the text it came as; none if it is no row.
fn columns(row: Option<&RawValue>) -> Option<Columns<'_>> {
    let columns: BTreeMap<String, &RawValue> = serde_json::from_str(row?.get()).ok()?;
    Some(columns.into_iter().map(|(name, value)| (name, value.get())).collect())
}

/// Whether two rows are the same but for these columns.
fn differ_in(new: &Columns<'_>, old: &Columns<'_>, idle: &[&str]) -> bool {
    let kept = |(name, _): &(&String, &&str)| !idle.contains(&name.as_str());
    new.iter().filter(kept).eq(old.iter().filter(kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IGNORED: [&str; 2] = ["created_at", "updated_at"];

    fn told(body: &str) -> Told {
        read(body.as_bytes(), &|| IGNORED.to_vec())
    }

    #[test]
    fn changes_are_told_by_table() {
        let change = Told::Change("public.projects".to_owned());
        for body in [
            r#"{"type":"INSERT","table":"projects","schema":"public","record":{"id":1},"old_record":null}"#,
            r#"{"type":"DELETE","table":"projects","schema":"public","record":null,"old_record":{"id":1}}"#,
            r#"{"type":"UPDATE","table":"projects","schema":"public","record":{"a":1},"old_record":{"a":2}}"#,
            r#"{"type":"UPDATE","table":"projects","schema":"public","record":{"a":1},"old_record":null}"#,
            r#"{"type":"UPDATE","table":"projects","schema":"public"}"#,
        ] {
            assert_eq!(told(body), change, "{body}");
        }
    }

    #[test]
    fn a_row_that_is_saved_as_it_was_changes_nothing() {
        let same = r#"{"type":"UPDATE","table":"t","schema":"s","record":{"a":[1,{"b":2}],"updated_at":"2"},"old_record":{"updated_at":"1","a":[1,{"b":2}]}}"#;
        assert_eq!(told(same), Told::Same("s.t".to_owned()));
        assert_eq!(read(same.as_bytes(), &Vec::new), Told::Change("s.t".to_owned()));
    }

    #[test]
    fn nonsense_is_told_from_webhooks_however_deep() {
        for body in ["", "null", "[]", "{}", "{\"type\":\"INSERT\"}", "\u{0}", "{\"type\":"] {
            assert!(matches!(told(body), Told::Nonsense(_)), "{body:?}");
        }
        let named = |kind: &str, table: &str| {
            format!(r#"{{"type":"{kind}","table":"{table}","schema":"public"}}"#)
        };
        assert!(matches!(told(&named("SELECT", "t")), Told::Nonsense(_)));
        assert!(matches!(told(&named("INSERT", "")), Told::Nonsense(_)));
        assert!(matches!(told(&named("INSERT", &"x".repeat(300))), Told::Nonsense(_)));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let body =
            format!(r#"{{"type":"INSERT","table":"t","schema":"s","record":{{"a":{deep}}}}}"#);
        assert_eq!(told(&body), Told::Change("s.t".to_owned()));
    }

    proptest::proptest! {
        #[test]
        fn no_body_breaks_it(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&body, &|| IGNORED.to_vec());
        }
    }
}
