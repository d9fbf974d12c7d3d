//! Texts that are written must be read as what they were.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::*;

fn field(name: &str, value: Value) -> Field {
    Field { name: name.to_owned(), value: Some(value), is_body: false }
}

fn gone(name: &str) -> Field {
    Field { name: name.to_owned(), value: None, is_body: false }
}

#[test]
fn every_text_survives_toml() {
    let odd = ["", "\\", "a\\\nb\\", "+++", "a\n+++\nb", " a \n b ", "\\u0041\n\\n", "'''\n'''"];
    let mut texts: Vec<String> = odd.map(str::to_owned).into();
    for quotes in (0..12).map(|n| "\"".repeat(n)) {
        texts.extend([format!("a\n{quotes}"), format!("{quotes}\nb{quotes}c")]);
    }
    for c in (0..0x20).chain([0x7f, 0x85, 0x2028, 0xfeff]).filter_map(char::from_u32) {
        texts.extend([format!("{c}"), format!("a\n{c}b\n"), format!("\n\n{c}\nd\n")]);
    }
    for text in texts {
        let written = toml::row("", vec![field("t", text.as_str().into())]).unwrap();
        let read: ::toml::Table = written.parse().unwrap();
        assert_eq!(read["t"].as_str(), Some(text.as_str()), "{written}");
        assert!(!written.lines().any(|line| line == "+++"), "{written}");
    }
}

#[test]
fn odd_keys_and_deep_values_survive_toml() {
    let value = json!({
        "": {"a.b": [], "c d": {}, "\n\u{7f}\"": [[1, [2.5, -0.5]], {"x": {"y": "z\nw"}}]},
        "$json": 1, "é": true, "long": ["x".repeat(60), "y".repeat(60)], "n": 1e300,
    });
    let fields = vec![field("a b", value.clone()), field("plain", 1.into())];
    let written = toml::row("", fields).unwrap();
    let read: ::toml::Table = written.parse().unwrap();
    assert_eq!(serde_json::to_value(&read["a b"]).unwrap(), value, "{written}");
    assert_eq!(read["plain"].as_integer(), Some(1), "{written}");
}

#[test]
fn a_list_written_inline_takes_rows_too() {
    let change = Line::Change(vec![field("a", 3.into()), gone("b")]);
    let lines = vec![Line::Keep, change, Line::New(vec![field("a", 4.into())])];
    let written = toml::list("rows = [{ a = 1 }, { a = 2, b = 1 }]\n", "rows", lines).unwrap();
    let read: ::toml::Table = written.parse().unwrap();
    let rows = serde_json::to_value(&read["rows"]).unwrap();
    assert_eq!(rows, json!([{"a": 1}, {"a": 3}, {"a": 4}]));
    let row = || vec![Line::New(vec![field("a", 4.into())])];
    assert_eq!(toml::list("rows = []\n", "rows", row()).unwrap(), "[[rows]]\na = 4\n");
    assert_eq!(toml::list("# Rows.\n", "rows", row()).unwrap(), "[[rows]]\na = 4\n# Rows.\n");
}

#[test]
fn json_is_changed_in_its_place() {
    let old = "{\n    \"a\" : [1,  2] ,\n    \"b\": {\"c\": null}\n}\n";
    let change = |fields| json::row(Some(old), fields).unwrap();
    assert_eq!(change(vec![]), old);
    assert_eq!(change(vec![field("b", 1.into())]), "{\n    \"a\" : [1,  2] ,\n    \"b\": 1\n}\n");
    assert_eq!(change(vec![gone("a")]), "{\n    \"b\": {\"c\": null}\n}\n");
    assert_eq!(
        change(vec![gone("a"), field("d", json!({"e": [true]}))]),
        "{\n    \"b\": {\"c\": null},\n    \"d\": {\n      \"e\": [\n        true\n      ]\n    }\n}\n"
    );
    assert_eq!(json::row(None, vec![field("a", 1.into())]).unwrap(), "{\n  \"a\": 1\n}\n");
    assert_eq!(json::row(Some("{}"), vec![field("a", 1.into())]).unwrap(), "{\n  \"a\": 1}");
}

#[test]
fn the_parts_of_a_json_value_stay_as_they_are_written() {
    let old = r#"{
  "l": {
    "z": [ {"b": 1, "a": 2}, {"d": [1,2,3] , "c": 4}, "end" ],
    "a": 1.0
  }
}"#;
    let change = |value: Value| json::row(Some(old), vec![field("l", value)]).unwrap();
    let same = json!({"a": 1.0, "z": [{"a": 2, "b": 1}, {"c": 4, "d": [1, 2, 3]}, "end"]});
    assert_eq!(change(same.clone()), old);
    let mut value = same.clone();
    value["z"][1]["d"] = json!([1, 9, 3]);
    assert_eq!(change(value), old.replace("[1,2,3]", "[1,9,3]"));
    let mut value = same.clone();
    value["z"].as_array_mut().unwrap().insert(1, json!("new"));
    assert_eq!(change(value), old.replace("2}, {", "2}, \"new\", {"));
    let mut value = same.clone();
    value["z"].as_array_mut().unwrap().remove(1);
    assert_eq!(change(value), old.replace(r#" {"d": [1,2,3] , "c": 4},"#, ""));
    let mut value = same;
    value["a"] = json!({"$json": "1.50"});
    assert_eq!(
        change(value),
        old.replace("\"a\": 1.0", "\"a\": {\n      \"$json\": \"1.50\"\n    }")
    );
}

#[test]
fn an_object_that_gives_a_key_twice_is_written_anew() {
    for twice in
        [r#"{"a":1,"b":2,"a":3}"#, r#"{"a":1,"a":3,"b":2}"#, r#"{"b": 2, "a": ",", "a":3}"#]
    {
        let old = format!("{{\n  \"l\": {twice},\n  \"m\": 1\n}}\n");
        let change = |value| json::row(Some(&old), vec![field("l", value)]).unwrap();
        assert_eq!(change(json!({"b": 2, "a": 3})), old);
        let new = change(json!({"a": 4, "c": [5]}));
        let read: Value = serde_json::from_str(&new).unwrap();
        assert_eq!(read, json!({"l": {"a": 4, "c": [5]}, "m": 1}), "{new}");
        assert!(
            new.starts_with("{\n  \"l\": {\n    \"a\": 4,\n")
                && new.ends_with("\n  },\n  \"m\": 1\n}\n"),
            "{new}"
        );
    }
}

#[test]
fn a_json_list_loses_and_gains_rows() {
    let old = "[\n  {\"a\": 1},\n  {\"a\": 2}\n]\n";
    let row = || Line::New(vec![field("a", 3.into())]);
    assert_eq!(
        json::list(Some(old), vec![Line::Remove, Line::Keep, row()]).unwrap(),
        "[\n  {\"a\": 2},\n  {\n    \"a\": 3\n  }\n]\n"
    );
    assert_eq!(json::list(Some("[]"), vec![row()]).unwrap(), "[\n  {\n    \"a\": 3\n  }]");
}

#[test]
fn a_markdown_text_stays_whole() {
    let old = "+++\na = 1\n+++ \n\n\nText\n\n\n";
    let body = |text: &str| Field { name: "t".into(), value: Some(text.into()), is_body: true };
    let change = |old, field| markdown::row(old, vec![field], Some("t")).unwrap();
    assert_eq!(change(Some(old), body("New")), "+++\na = 1\n+++ \n\n\nNew\n\n\n");
    assert_eq!(change(None, body("New")), "+++\n+++\n\nNew\n");
    assert_eq!(change(Some(old), body("\r")), "+++\na = 1\nt = \"\\r\"\n+++\n");
}
