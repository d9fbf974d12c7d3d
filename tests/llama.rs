//! A real llama.cpp server: what the stand-ins say of it is so.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[path = "support/llama.rs"]
mod llama;

use std::time::{Duration, Instant};

use frieze::config::{Config, Overrides};
use frieze::enrich::FailureKind;
use frieze::enrich::embedding::Purpose;
use frieze::enrich::router::{Embedded, Need, Question, Refused, Router};
use frieze::enrich::schema;
use llama::Llama;
use serde_json::{Value, json};

const KEY: &str = "the-key-of-this-test";

fn router(server: &Llama, more: &str) -> Router {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n\n[[enrich.providers]]\nkind = \"llama\"\nbase_url = \"{}\"\nmodel = \"tiny\"\nembedding_model = \"tiny\"\ntimeout_seconds = 120\n{more}\n",
        server.url()
    );
    std::fs::write(dir.path().join("frieze.toml"), text).unwrap();
    let env = |name: &str| match name {
        "RIGHT_KEY" => Some(KEY.to_owned()),
        "WRONG_KEY" => Some("another-key".to_owned()),
        _ => None,
    };
    let config = Config::load(dir.path(), &Overrides::default(), &env).unwrap();
    Router::new(&config.enrich).unwrap()
}

fn question(schema: Value) -> Question {
    Question {
        system: "You describe projects.".to_owned(),
        user: "Describe frieze, which makes static sites.".to_owned(),
        name: "description".to_owned(),
        schema,
        max_tokens: 600,
        images: Vec::new(),
        need: Need { private: true, json_schema: true, ..Need::default() },
    }
}

fn small() -> Value {
    json!({
        "type": "object",
        "properties": {
            "title": {"type": "string", "minLength": 5, "maxLength": 40},
            "level": {"type": "integer", "minimum": 1, "maximum": 5},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 10}, "minItems": 1, "maxItems": 3},
            "kind": {"enum": ["app", "library"]},
        },
        "required": ["title", "level", "tags", "kind"],
        "additionalProperties": false
    })
}

fn later() -> Instant {
    Instant::now() + Duration::from_mins(3)
}

#[tokio::test]
async fn an_answer_fits_the_schema() {
    let server = Llama::start(&[]);
    let router = router(&server, "");
    let answered = router.chat(&question(small()), later()).await.unwrap();
    assert_eq!(schema::check(&small(), &answered.value), Ok(()));
    assert_eq!((answered.provider.as_str(), answered.model.as_str()), ("llama", "tiny"));
    assert_eq!(serde_json::from_str::<Value>(&answered.text).unwrap(), answered.value);
    let call = answered.calls.last().unwrap();
    assert!(call.tokens_in.unwrap() > 50 && call.tokens_out.unwrap() > 20, "{call:?}");
    assert_eq!(call.error, None);
}

#[tokio::test]
async fn an_answer_without_room_is_a_failed_attempt() {
    let server = Llama::start(&[]);
    let short = Question { max_tokens: 10, ..question(small()) };
    let refused = router(&server, "").chat(&short, later()).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Retry);
    assert!(
        refused.message.contains("llama did not finish within 10 tokens"),
        "{}",
        refused.message
    );
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_final() {
    let server = Llama::start(&[]);
    let long = Question { user: "frieze ".repeat(5000), ..question(small()) };
    let refused = router(&server, "").chat(&long, later()).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Final);
    assert!(refused.message.contains("llama answered 400: "), "{}", refused.message);
    assert!(refused.message.contains("context size"), "{}", refused.message);
}

async fn embed(router: &Router, texts: &[&str], purpose: Purpose) -> Result<Embedded, Refused> {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    router.embed(&texts, purpose, &Need::default(), later()).await
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[tokio::test]
async fn near_texts_have_near_embeddings() {
    let server = Llama::start(&[]);
    let router = router(&server, "");
    let texts = [
        "static sites from a Postgres database",
        "static sites from a MySQL database",
        "0123456789 9876543210 0000 1111",
    ];
    let made = embed(&router, &texts, Purpose::Document).await.unwrap();
    assert_eq!(made.vectors.iter().map(Vec::len).collect::<Vec<_>>(), [64, 64, 64]);
    assert_eq!(made.model, "tiny");
    let query = embed(&router, &texts[..1], Purpose::Query).await.unwrap();
    assert!(cosine(&made.vectors[0], &query.vectors[0]) > 0.999, "the same text, in its place");
    let (near, far) =
        (cosine(&made.vectors[0], &made.vectors[1]), cosine(&made.vectors[0], &made.vectors[2]));
    assert!(near > far, "{near} and {far}");
}

#[tokio::test]
async fn a_text_that_is_too_long_to_embed_is_final() {
    let server = Llama::start(&[]);
    let refused = embed(&router(&server, ""), &[&"word ".repeat(1000)], Purpose::Document).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Final, "{}", refused.message);
}

#[tokio::test]
async fn its_key_is_wanted() {
    let server = Llama::start(&["--api-key", KEY]);
    let right = router(&server, "key_env = \"RIGHT_KEY\"");
    right.chat(&question(small()), later()).await.unwrap();
    embed(&right, &["text"], Purpose::Document).await.unwrap();
    let wrong = router(&server, "key_env = \"WRONG_KEY\"");
    let refused = wrong.chat(&question(small()), later()).await.unwrap_err();
    let words = "llama answered 401: it does not take the key in WRONG_KEY";
    assert!(refused.message.contains(words), "{}", refused.message);
    assert_eq!(refused.kind, FailureKind::Down(Duration::from_mins(15)));
    let refused = router(&server, "").chat(&question(small()), later()).await.unwrap_err();
    let words = "llama answered 401: it wants a key, and no key_env names one";
    assert!(refused.message.contains(words), "{}", refused.message);
}
