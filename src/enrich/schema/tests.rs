use serde_json::{Value, json};

use super::{check, strict, without_nulls};

fn schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 2, "maxLength": 5},
            "tags": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "string"}},
            "level": {"type": "integer", "minimum": 1, "maximum": 5},
            "kind": {"enum": ["a", "b"]},
            "note": {"type": ["string", "null"]},
        },
        "required": ["title"],
        "additionalProperties": false
    })
}

fn complaint(value: &Value) -> String {
    check(&schema(), value).unwrap_err()
}

#[test]
fn what_fits_is_taken() {
    let all = json!({"title": "ünïçö", "tags": ["x"], "level": 5, "kind": "b", "note": null});
    assert_eq!(check(&schema(), &all), Ok(()));
    assert_eq!(check(&schema(), &json!({"title": "ab", "level": 2.0})), Ok(()));
}

#[test]
fn what_does_not_fit_is_named_with_its_place() {
    let cases = [
        (json!([]), "the answer is array, not object"),
        (json!({}), "the answer has no \"title\""),
        (json!({"title": 3}), "the answer.title is number, not string"),
        (json!({"title": "a"}), "the answer.title has 1 characters, fewer than 2"),
        (json!({"title": "ünïçöd"}), "the answer.title has 6 characters, more than 5"),
        (json!({"title": "ab", "tags": []}), "the answer.tags has 0 items, fewer than 1"),
        (json!({"title": "ab", "tags": [1]}), "the answer.tags[0] is number, not string"),
        (json!({"title": "ab", "tags": ["", "", ""]}), "the answer.tags has 3 items, more than 2"),
        (json!({"title": "ab", "level": 0}), "the answer.level is 0, less than 1"),
        (json!({"title": "ab", "level": 6}), "the answer.level is 6, more than 5"),
        (json!({"title": "ab", "level": 1.5}), "the answer.level is number, not integer"),
        (json!({"title": "ab", "kind": "c"}), "the answer.kind is none of \"a\", \"b\""),
        (json!({"title": "ab", "note": 1}), "the answer.note is number, not string or null"),
        (json!({"title": "ab", "x": 1}), "the answer has \"x\", which was not asked for"),
    ];
    for (value, words) in cases {
        assert_eq!(complaint(&value), words);
    }
}

#[test]
fn other_fields_may_be_bound_to_a_schema_of_their_own() {
    let schema = json!({"type": "object", "additionalProperties": {"type": "string"}});
    assert_eq!(check(&schema, &json!({"a": "b"})), Ok(()));
    assert_eq!(check(&schema, &json!({"a": 1})).unwrap_err(), "the answer.a is number, not string");
}

#[test]
fn an_answer_without_end_is_refused() {
    let (mut schema, mut value) = (json!({"type": "array"}), json!([]));
    for _ in 0..100 {
        schema = json!({"type": "array", "items": schema});
        value = json!([value]);
    }
    assert!(check(&schema, &value).unwrap_err().ends_with("is nested too deeply"));
}

#[test]
fn a_strict_schema_requires_every_field_and_says_its_limits_in_words() {
    let strict = strict(&json!({
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "A title", "maxLength": 60},
            "more": {"type": "object", "properties": {"x": {"type": "integer", "enum": [1, 2]}}},
        },
        "required": ["title"]
    }));
    assert_eq!(
        strict,
        json!({
            "type": "object",
            "properties": {
                "title": {"type": "string", "description": "A title; at most 60 characters"},
                "more": {
                    "type": ["object", "null"],
                    "properties": {"x": {"type": ["integer", "null"], "enum": [1, 2, null]}},
                    "required": ["x"],
                    "additionalProperties": false
                },
            },
            "required": ["title", "more"],
            "additionalProperties": false
        })
    );
}

#[test]
fn nulls_that_stand_for_nothing_are_dropped_and_others_stay() {
    let answer = json!({"title": "ab", "tags": null, "level": null, "note": null});
    let value = without_nulls(&schema(), answer);
    assert_eq!(value, json!({"title": "ab", "note": null}));
    assert_eq!(check(&schema(), &value), Ok(()));
    assert!(complaint(&without_nulls(&schema(), json!({"title": null}))).contains("null"));
}
