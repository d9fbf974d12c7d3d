//! What each kind of server is sent.

use serde_json::{Value, json};

use crate::models::{Models, Reply, Request};
use crate::{KEY, Still, provider, question};

async fn sent(kind: &str, path: &str, more: &str) -> Request {
    let server = Models::start();
    let still = Still::new(&provider("one", kind, &format!("{}{path}", server.url()), more));
    still.answer().await;
    server.requests().remove(0)
}

fn schema_of(request: &Request) -> Value {
    let format = &request.json()["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(format["json_schema"]["name"], "description");
    assert_eq!(format["json_schema"]["strict"], true);
    format["json_schema"]["schema"].clone()
}

#[tokio::test]
async fn each_kind_is_asked_at_its_address() {
    let cases = [
        ("groq", "/openai/v1", "/openai/v1/chat/completions"),
        ("groq", "/openai/v1/", "/openai/v1/chat/completions"),
        ("hugging_face", "", "/v1/chat/completions"),
        ("hugging_face", "/v1", "/v1/chat/completions"),
        ("llama", "", "/v1/chat/completions"),
        ("llama", "/v1", "/v1/chat/completions"),
        ("llama", "/behind", "/behind/v1/chat/completions"),
        ("openai", "/v1", "/v1/chat/completions"),
        ("openai", "", "/chat/completions"),
    ];
    for (kind, base, path) in cases {
        let request = sent(kind, base, "").await;
        assert_eq!(
            (request.method.as_str(), request.path.as_str()),
            ("POST", path),
            "{kind}{base}"
        );
        assert_eq!(request.json()["model"], "one-model");
        assert_eq!(request.said("user"), "Describe frieze.");
        assert_eq!(request.json()["stream"], false);
        assert!(request.headers["user-agent"].starts_with("frieze/"));
    }
}

#[tokio::test]
async fn keys_go_where_they_belong() {
    let bearer = format!("Bearer {KEY}");
    for kind in ["groq", "hugging_face"] {
        assert_eq!(sent(kind, "", "").await.headers["authorization"], bearer);
    }
    for kind in ["llama", "openai"] {
        assert!(!sent(kind, "", "").await.headers.contains_key("authorization"));
        let request = sent(kind, "", "key_env = \"OWN_KEY\"").await;
        assert_eq!(request.headers["authorization"], bearer);
    }
}

#[tokio::test]
async fn strict_servers_get_a_strict_schema() {
    for kind in ["groq", "hugging_face", "openai"] {
        assert_eq!(
            schema_of(&sent(kind, "", "").await),
            json!({
                "type": "object",
                "properties": {
                    "text": {"type": "string", "description": "at least 1 characters; at most 200 characters"},
                    "note": {"type": ["string", "null"]},
                },
                "required": ["text", "note"],
                "additionalProperties": false
            }),
            "{kind}"
        );
    }
    assert_eq!(schema_of(&sent("llama", "", "").await), question().schema);
}

#[tokio::test]
async fn a_null_for_what_may_be_missing_is_missing() {
    let groq = Models::start();
    groq.then(Reply::value(&json!({"text": "x", "note": null})));
    let still = Still::new(&provider("groq", "groq", &groq.openai_url(), ""));
    assert_eq!(still.answer().await.value, json!({"text": "x"}));
}

#[tokio::test]
async fn groq_is_not_sent_what_it_refuses() {
    let groq = sent("groq", "", "").await.json();
    assert!(groq.get("n").is_none() && groq.get("logprobs").is_none());
    assert_eq!(groq["max_completion_tokens"], 400);
    assert_eq!(sent("llama", "", "").await.json()["max_tokens"], 400);
    let server = Models::start();
    let base = server.openai_url();
    let text = format!("[[enrich.providers]]\nkind = \"groq\"\nbase_url = \"{base}\"\n");
    let answered = Still::new(&text).answer().await;
    assert_eq!(
        (answered.provider.as_str(), answered.model.as_str()),
        ("groq", "openai/gpt-oss-20b")
    );
    assert_eq!(server.requests()[0].json()["reasoning_effort"], "low");
}

#[tokio::test]
async fn without_schemas_the_prompt_holds_it() {
    let request = sent("openai", "/v1", "json_schema = false").await;
    assert_eq!(request.json()["response_format"], json!({"type": "json_object"}));
    let system = request.said("system");
    assert!(system.starts_with("You describe projects.\n\n"), "{system}");
    assert!(system.ends_with(&question().schema.to_string()), "{system}");
}

#[tokio::test]
async fn json_in_a_fence_is_json() {
    for text in
        ["```json\n{\"text\": \"x\"}\n```", "```\n{\"text\": \"x\"}```", " {\"text\": \"x\"}\n"]
    {
        let server = Models::start();
        server.then(Reply::text(text));
        let still = Still::new(&provider("one", "openai", &server.url(), "json_schema = false"));
        let answered = still.answer().await;
        assert_eq!(answered.value, json!({"text": "x"}));
        assert_eq!(answered.text, text);
        // As the cache gives it back.
        assert_eq!(question().value(&answered.text), Ok(json!({"text": "x"})));
    }
}

#[tokio::test]
async fn a_llama_that_loads_is_waited_for() {
    let server = Models::start();
    server.loading(3);
    let still = Still::new(&provider("one", "llama", &server.url(), "key_env = \"OWN_KEY\""));
    still.answer().await;
    let requests = server.requests();
    let paths: Vec<&str> = requests.iter().map(|request| request.path.as_str()).collect();
    let chat = "/v1/chat/completions";
    assert_eq!(paths, [chat, "/health", "/health", "/health", chat]);
}

#[tokio::test]
async fn a_llama_that_loads_too_long_is_a_failure() {
    let server = Models::start();
    server.loading(1_000_000);
    let still = Still::new(&provider("one", "llama", &server.url(), "timeout_seconds = 1"));
    let refused = still.refusal().await;
    assert!(refused.message.contains("one is still loading its model"), "{}", refused.message);
    assert_eq!(crate::seconds(refused.kind), 5);
}
