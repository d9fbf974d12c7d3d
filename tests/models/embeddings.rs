//! Embeddings: their shapes, their purposes, and the built-in ones.

use frieze::enrich::FailureKind;
use frieze::enrich::embedding::{Purpose, lexical};
use frieze::enrich::router::{Embedded, Need, Refused, Work};
use serde_json::{Value, json};

use crate::models::{Models, Reply};
use crate::world::World;
use crate::{Still, kinds, message, provider, seconds, soon};

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn embed(still: &Still, given: &[&str]) -> Result<Embedded, Refused> {
    still.router.embed(&texts(given), Purpose::Document, &Need::default(), soon()).await
}

/// What becomes of an answer to these texts.
async fn shaped(kind: &str, given: &[&str], answer: &Value) -> Result<Vec<Vec<f32>>, String> {
    let server = Models::start();
    server.then(Reply::body(200, answer.to_string()));
    let still =
        Still::new(&provider("one", kind, &server.url(), "embedding_model = \"owner/name\""));
    let made = embed(&still, given).await;
    made.map(|made| made.vectors).map_err(|refused| {
        assert_eq!(refused.kind, FailureKind::Retry);
        assert_eq!(kinds(&refused.calls), [("one", "bad_reply")]);
        message(&refused.calls[0]).to_owned()
    })
}

#[tokio::test]
async fn hugging_face_s_three_shapes() {
    let hf = "hugging_face";
    let one = shaped(hf, &["a"], &json!([1.0, 2.0])).await;
    assert_eq!(one.unwrap(), [[1.0, 2.0]]);
    let two = shaped(hf, &["a", "b"], &json!([[1, 2], [3, 4]])).await;
    assert_eq!(two.unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
    let three = shaped(hf, &["a", "b"], &json!([[[1, 2], [3, 4]], [[5, 6]]])).await;
    assert_eq!(three.unwrap(), [[2.0, 3.0], [5.0, 6.0]], "the mean of the tokens");
    let tokens = shaped(hf, &["a"], &json!([[1, 2], [3, 4]])).await;
    assert_eq!(tokens.unwrap(), [[2.0, 3.0]], "one text, so that these are its tokens");
}

#[tokio::test]
async fn the_shape_of_all_others_in_any_order() {
    let data =
        json!({"data": [{"index": 1, "embedding": [3, 4]}, {"index": 0, "embedding": [1, 2]}]});
    for kind in ["llama", "openai"] {
        let vectors = shaped(kind, &["a", "b"], &data).await;
        assert_eq!(vectors.unwrap(), [[1.0, 2.0], [3.0, 4.0]]);
    }
    let unpooled = json!({"data": [{"index": 0, "embedding": [[1, 2], [3, 4]]}]});
    assert_eq!(shaped("llama", &["a"], &unpooled).await.unwrap(), [[2.0, 3.0]]);
}

#[tokio::test]
async fn other_shapes_are_none() {
    let hf = [
        (json!([[[[1.0]]]]), "arrays nested 4 deep"),
        (json!([[1, 2]]), "1 for 2 texts"),
        (json!([1, 2]), "1 for 2 texts"),
        (json!([[1, 2], [1, 2, 3]]), "they differ in length"),
        (json!([[1, 2], [1, "x"]]), "something is not a number"),
        (json!([[1, 2], [0, 0]]), "nothing but zeros"),
        (json!([[1, 2], [1, 1e300]]), "a number is out of range"),
        (json!([[], []]), "0 numbers"),
        (json!([[1, 2], 3]), "not an array"),
        (json!({"error": "x"}), "there is no \"data\""),
    ];
    for (answer, words) in hf {
        let complaint = shaped("hugging_face", &["a", "b"], &answer).await.unwrap_err();
        assert!(
            complaint.starts_with("answered with embeddings of the wrong shape: "),
            "{complaint}"
        );
        assert!(complaint.ends_with(words), "{complaint}");
    }
    let twice = json!({"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [2]}]});
    let beyond = json!({"data": [{"index": 0, "embedding": [1]}, {"index": 9, "embedding": [2]}]});
    for (answer, words) in [(twice, "index 0 is wrong"), (beyond, "index 9 is wrong")] {
        let complaint = shaped("openai", &["a", "b"], &answer).await.unwrap_err();
        assert!(complaint.ends_with(words), "{complaint}");
    }
}

#[tokio::test]
async fn each_kind_is_asked_at_its_address() {
    let cases = [
        ("hugging_face", "", "/hf-inference/models/owner/name/pipeline/feature-extraction"),
        ("hugging_face", "/v1", "/hf-inference/models/owner/name/pipeline/feature-extraction"),
        ("llama", "", "/v1/embeddings"),
        ("llama", "/v1", "/v1/embeddings"),
        ("openai", "/v1", "/v1/embeddings"),
        ("openai", "/v1?version=2", "/v1/embeddings?version=2"),
    ];
    for (kind, base, path) in cases {
        let server = Models::start();
        let base = format!("{}{base}", server.url());
        server.always(Reply::usual());
        let still = Still::new(&provider("one", kind, &base, "embedding_model = \"owner/name\""));
        let made = embed(&still, &["a"]).await;
        assert_eq!(server.requests()[0].path, path, "{kind}");
        if !path.contains('?') {
            assert_eq!(made.unwrap().vectors[0].len(), 64);
        }
        let body = server.requests()[0].json();
        let texts = if kind == "hugging_face" { &body["inputs"] } else { &body["input"] };
        assert_eq!(*texts, json!(["a"]));
    }
}

#[tokio::test]
async fn nomic_is_told_the_purpose_and_others_are_not() {
    for (model, document, query) in [
        ("nomic-embed-text", "search_document: a", "search_query: a"),
        ("nomic-ai/nomic-embed-text-v1.5", "search_document: a", "search_query: a"),
        ("all-MiniLM-L6-v2", "a", "a"),
    ] {
        let server = Models::start();
        let still = Still::new(&provider(
            "one",
            "llama",
            &server.url(),
            &format!("embedding_model = \"{model}\""),
        ));
        for (purpose, text) in [(Purpose::Document, document), (Purpose::Query, query)] {
            still.router.embed(&texts(&["a"]), purpose, &Need::default(), soon()).await.unwrap();
            assert_eq!(server.requests().last().unwrap().json()["input"], json!([text]));
        }
    }
}

#[tokio::test]
async fn without_a_provider_of_embeddings_there_are_the_built_in_ones() {
    let groq = Models::start();
    for providers in [String::new(), provider("groq", "groq", &groq.openai_url(), "")] {
        let still = Still::new(&providers);
        let made = embed(&still, &["one text", "another text"]).await.unwrap();
        assert_eq!((made.provider.as_str(), made.model.as_str()), ("built-in", "frieze-lexical-1"));
        assert_eq!(made.vectors[0], lexical::embed("one text").unwrap());
        assert_eq!((made.vectors.len(), made.vectors[0].len()), (2, 512));
        assert_eq!(made.calls[0].reason, "no provider has an embedding_model");
        let plan = still.router.plan(Work::Embedding, &Need::default());
        assert_eq!(
            (plan.len(), plan[0].model.as_str(), plan[0].able),
            (1, "frieze-lexical-1", true)
        );
    }
    assert!(groq.requests().is_empty());
}

#[tokio::test]
async fn a_provider_that_is_down_is_waited_for() {
    let server = Models::start();
    server.always(Reply::status(500));
    let still = Still::new(&provider("one", "llama", &server.url(), "embedding_model = \"e\""));
    assert_eq!(seconds(embed(&still, &["a"]).await.unwrap_err().kind), 5);
    // Unless the built-in ones are asked for.
    let need = Need { model: Some("frieze-lexical-1".to_owned()), ..Need::default() };
    let made = still.router.embed(&texts(&["a"]), Purpose::Query, &need, soon()).await.unwrap();
    assert_eq!(made.provider, "built-in");
}

#[tokio::test]
async fn embeddings_of_another_model_are_not_taken() {
    let server = Models::start();
    let still = Still::new(&provider("one", "llama", &server.url(), "embedding_model = \"e\""));
    let need = |model: &str| Need { model: Some(model.to_owned()), ..Need::default() };
    let ask = |model| {
        let need = need(model);
        let still = &still;
        async move { still.router.embed(&texts(&["a"]), Purpose::Query, &need, soon()).await }
    };
    assert_eq!(ask("e").await.unwrap().model, "e");
    let refused = ask("f").await.unwrap_err();
    assert!(refused.message.contains("one has embeddings of e, not of f"), "{}", refused.message);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn an_empty_text_has_no_embedding() {
    let server = Models::start();
    let served = Still::new(&provider("one", "llama", &server.url(), "embedding_model = \"e\""));
    for still in [&served, &Still::new("")] {
        let refused = embed(still, &["a", " \n"]).await.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Final);
        assert_eq!(refused.message, "an empty text has no embedding");
    }
    assert!(server.requests().is_empty());
    let refused = embed(&Still::new(""), &["—!"]).await.unwrap_err();
    assert_eq!(refused.message, "a text without a letter or a digit has no lexical embedding");
}

#[tokio::test]
async fn no_texts_are_no_request() {
    let server = Models::start();
    let still = Still::new(&provider("one", "llama", &server.url(), "embedding_model = \"e\""));
    let made = embed(&still, &[]).await.unwrap();
    assert!(made.vectors.is_empty() && server.requests().is_empty());
}

#[tokio::test]
async fn a_text_that_is_too_long_is_final() {
    let server = Models::start();
    let error = r#"{"error":{"code":500,"message":"input (9000 tokens) is too large to process. increase the physical batch size","type":"server_error"}}"#;
    server.always(Reply::body(500, error));
    let still = Still::new(&provider("one", "llama", &server.url(), "embedding_model = \"e\""));
    let refused = embed(&still, &["long"]).await.unwrap_err();
    assert_eq!(refused.kind, FailureKind::Final);
    assert!(refused.message.contains("too large to process"), "{}", refused.message);
}

/// A server that takes so many characters at once, as llama.cpp and others say it.
fn short(most: usize, refusal: Reply) -> Models {
    let server = Models::start();
    server.decide(move |request| {
        let text = request.json()["input"][0].as_str()?.to_owned();
        (text.chars().count() > most).then(|| refusal.clone())
    });
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_too_long_is_cut_until_the_server_takes_it() {
    let job = "[enrich.tasks.embed]\ncollection = \"projects\"\nfrom = [\"summary\"]\n";
    let words = |words: &str| {
        Reply::body(400, json!({"error": {"code": 400, "message": words}}).to_string())
    };
    let llama = words("input (9000 tokens) is too large to process").with_status(500);
    for (most, refusal, lengths, status) in [
        (3_000, llama.clone(), vec![12_010, 6_005, 3_002, 1_501], "completed"),
        (
            3_000,
            words("This model's maximum context length is 8192 tokens"),
            vec![12_010, 6_005, 3_002, 1_501],
            "completed",
        ),
        (3_000, words("no").with_status(413), vec![12_010, 6_005, 3_002, 1_501], "completed"),
        (10, llama, vec![12_010, 6_005, 3_002, 1_501, 1_000], "failed"),
        (3_000, words("no"), vec![12_010], "failed"),
    ] {
        let server = short(most, refusal);
        let mut world = World::new(&format!(
            "{}{job}",
            provider("own", "llama", &server.url(), "embedding_model = \"e\"")
        ))
        .await;
        world.sql("insert into projects (title, slug, summary) values ('a', 'a', repeat('abcde ', 2000))").await;
        world.run(&["enrich"]);
        let asked: Vec<usize> = server
            .embeddings()
            .iter()
            .map(|it| it.json()["input"][0].as_str().unwrap().chars().count())
            .collect();
        assert_eq!(asked, lengths);
        assert_eq!(world.one("select status from task_queue").await, status);
        let logged = "select count(*) from agent_run_logs where task_type = 'embed'";
        assert_eq!(world.one(logged).await, json!(lengths.len()));
    }
}
