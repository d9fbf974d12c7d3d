use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::config::ProviderKind;
use crate::enrich::router::Need;

fn question() -> Question {
    Question {
        system: String::new(),
        user: String::new(),
        name: "q".to_owned(),
        schema: json!({
            "type": "object",
            "properties": {"text": {"type": "string"}, "list": {"type": "array", "items": {"type": "number"}}},
            "required": ["text"],
            "additionalProperties": false
        }),
        max_tokens: 100,
        images: Vec::new(),
        need: Need::default(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 5, |inner| {
        let names = prop_oneof![
            Just("choices"),
            Just("message"),
            Just("content"),
            Just("data"),
            Just("embedding"),
            Just("index"),
            Just("usage"),
            Just("prompt_tokens"),
            Just("text"),
            Just("list"),
            Just("finish_reason"),
            Just("error"),
            Just("code"),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..5).prop_map(|fields| {
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_a_server_sends_is_a_good_answer_or_a_trouble(body in any_json(), texts in 1_usize..4) {
        let bytes = body.to_string();
        if let Ok(spoken) = chat::read(bytes.as_bytes(), &question()) {
            prop_assert_eq!(crate::enrich::schema::check(&question().schema, &spoken.value), Ok(()));
        }
        for kind in [ProviderKind::HuggingFace, ProviderKind::Llama] {
            if let Ok(made) = embed::read(kind, bytes.as_bytes(), texts) {
                prop_assert_eq!(made.vectors.len(), texts);
                let length = made.vectors[0].len();
                for vector in made.vectors {
                    prop_assert!(length > 0 && vector.len() == length);
                    prop_assert!(vector.iter().all(|number| number.is_finite()));
                }
            }
        }
        let status = reqwest::StatusCode::BAD_REQUEST;
        let _ = trouble::refused(status, bytes.as_bytes(), None, None);
    }

    #[test]
    fn whatever_a_model_says_fits_or_is_refused(value in any_json()) {
        let choice = json!({"message": {"content": value.to_string()}, "finish_reason": "stop"});
        let body = json!({"choices": [choice]}).to_string();
        match chat::read(body.as_bytes(), &question()) {
            Ok(spoken) => prop_assert!(spoken.value["text"].is_string()),
            Err(trouble) => prop_assert_eq!(trouble.kind, Kind::BadAnswer),
        }
    }

    #[test]
    fn bytes_that_are_no_json_are_a_bad_reply(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if serde_json::from_slice::<Value>(&bytes).is_err() {
            prop_assert_eq!(chat::read(&bytes, &question()).unwrap_err().kind, Kind::BadReply);
        }
    }
}

#[test]
fn an_error_is_what_its_status_and_code_say() {
    let cases = [
        (400, "{}", Kind::Rejected),
        (400, r#"{"error":{"code":"model_decommissioned"}}"#, Kind::NoModel),
        (400, r#"{"error":{"code":"json_validate_failed"}}"#, Kind::BadAnswer),
        (401, "", Kind::Key),
        (402, r#"{"error":"You have exceeded your monthly credits"}"#, Kind::RateLimit),
        (403, "", Kind::Key),
        (404, "", Kind::NoModel),
        (408, "", Kind::Server),
        (413, "", Kind::Rejected),
        (422, "", Kind::Rejected),
        (429, "", Kind::RateLimit),
        (500, "", Kind::Server),
        (503, "", Kind::Server),
        (529, "", Kind::Server),
        (302, "", Kind::Redirect),
    ];
    for (status, body, kind) in cases {
        let code = reqwest::StatusCode::from_u16(status).unwrap();
        let trouble = trouble::refused(code, body.as_bytes(), None, Some("A_KEY"));
        assert_eq!(trouble.kind, kind, "{status} {body}");
        assert_eq!(trouble.row()["status"], status);
    }
}

#[test]
fn a_server_s_words_are_one_short_line() {
    assert_eq!(trouble::plain(" a\n\u{1b}[31mb\t c "), "a [31mb c");
    let long = trouble::plain(&"ä".repeat(1000));
    assert_eq!(long.chars().count(), 301);
}
