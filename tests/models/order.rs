//! The order of the choice: sensitivity, capability, what is left, the list; and what says so.

use std::sync::Arc;

use frieze::enrich::router::{Need, Question, Router, Work, prompt_hash};

use crate::models::Models;
use crate::{Still, Two, kinds, provider, question, seconds, settings, soon};

fn three() -> (Models, String) {
    let server = Models::start();
    let providers = provider("groq", "groq", &server.openai_url(), "requests_per_day = 1")
        + &provider("plain", "openai", &server.openai_url(), "json_schema = false")
        + &provider("coder", "openai", &server.openai_url(), "code = true\nprivate = true");
    (server, providers)
}

fn asking(need: Need) -> Question {
    Question { need, ..question() }
}

async fn reason(still: &Still, need: Need) -> (String, String) {
    let answered = still.router.chat(&asking(need), soon()).await.unwrap();
    let call = answered.calls.last().unwrap();
    assert_eq!(call.provider, answered.provider);
    (answered.provider.clone(), call.reason.clone())
}

#[tokio::test]
async fn the_list_decides_last() {
    let (_server, providers) = three();
    let still = Still::new(&providers);
    let (who, why) = reason(&still, Need::default()).await;
    assert_eq!((who.as_str(), why.as_str()), ("groq", "first"));
    let (who, why) = reason(&still, Need::default()).await;
    assert_eq!(who, "plain");
    assert!(why.starts_with("second: groq has no requests left today until "), "{why}");
    assert!(why.ends_with(" UTC"), "{why}");
    still.pass(24 * 3600 + 1);
    assert_eq!(reason(&still, Need::default()).await.0, "groq");
}

#[tokio::test]
async fn capability_comes_before_what_is_left() {
    let (_server, providers) = three();
    let still = Still::new(&providers);
    still.answer().await;
    let (who, why) = reason(&still, Need { code: true, ..Need::default() }).await;
    assert_eq!(who, "coder");
    assert_eq!(why, "third: groq is not marked code = true; plain is not marked code = true");
    let (who, why) = reason(&still, Need { json_schema: true, ..Need::default() }).await;
    assert_eq!(who, "coder");
    assert!(why.contains("plain has json_schema = false"), "{why}");
}

#[tokio::test]
async fn sensitivity_comes_first() {
    let (_server, providers) = three();
    let need = Need { private: true, json_schema: true, ..Need::default() };
    let (who, why) = reason(&Still::new(&providers), need).await;
    assert_eq!(
        (who.as_str(), why.as_str()),
        ("coder", "third: groq is not private; plain is not private")
    );
}

#[tokio::test]
async fn a_task_may_name_its_provider_and_model() {
    let (server, providers) = three();
    let still = Still::new(&providers);
    let named = |model: Option<&str>| Need {
        provider: Some("plain".to_owned()),
        model: model.map(str::to_owned),
        ..Need::default()
    };
    let (who, why) = reason(&still, named(Some("large"))).await;
    assert_eq!((who.as_str(), why.as_str()), ("plain", "the only one that may be asked"));
    assert_eq!(server.requests()[0].json()["model"], "large");
    server.always(crate::models::Reply::status(500));
    let refused = still.router.chat(&asking(named(None)), soon()).await.unwrap_err();
    assert_eq!(kinds(&refused.calls), [("plain", "server")]);
    assert_eq!(seconds(refused.kind), 5);
    let need = Need { provider: Some("groq".to_owned()), private: true, ..Need::default() };
    let refused = still.router.chat(&asking(need), soon()).await.unwrap_err();
    assert!(refused.message.contains("groq is not private"), "{}", refused.message);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_plan_says_the_same_and_asks_nobody() {
    let (server, providers) = three();
    let still = Still::new(&providers);
    let plan = still.router.plan(Work::Chat, &Need { json_schema: true, ..Need::default() });
    let lines: Vec<_> =
        plan.iter().map(|it| (it.provider.as_str(), it.able, it.reason.as_str())).collect();
    assert_eq!(
        lines,
        [
            ("groq", true, "first"),
            ("plain", false, "plain has json_schema = false"),
            ("coder", true, "third: plain has json_schema = false"),
        ]
    );
    assert_eq!(plan[0].model, "groq-model");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn without_providers_nobody_is_asked() {
    let router = Router::new(&settings("")).unwrap();
    let refused = router.chat(&question(), soon()).await.unwrap_err();
    assert_eq!(seconds(refused.kind), 900);
    assert_eq!(refused.message, "no provider can be asked: there is none in enrich.providers");
}

#[tokio::test]
async fn a_call_says_what_was_asked_what_came_and_what_it_cost() {
    let two = Two::with("cost_in = 10.0\ncost_out = 100.0");
    let answered = two.still.answer().await;
    let call = &answered.calls[0];
    assert_eq!(call.input["user"], "Describe frieze.");
    assert_eq!(call.input["schema"], "description");
    assert_eq!(call.output, answered.value);
    assert_eq!((call.tokens_in, call.tokens_out), (Some(100), Some(20)));
    assert!((call.cost.unwrap() - 0.003).abs() < 1e-9, "{:?}", call.cost);
    assert_eq!(call.prompt_hash, Some(prompt_hash("groq", "groq-model", &question())));
    assert!(!call.is_cached);
}

#[test]
fn a_prompt_s_hash_is_of_all_that_is_asked() {
    let hash = prompt_hash("who", "model", &question());
    assert_eq!(hash.len(), 64);
    assert!(hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
    let changes: [fn(&mut Question); 5] = [
        |it| it.system.push('x'),
        |it| it.user.push('x'),
        |it| it.name.push('x'),
        |it| it.schema["x"] = true.into(),
        |it| it.max_tokens += 1,
    ];
    for change in changes {
        let mut other = question();
        change(&mut other);
        assert_ne!(prompt_hash("who", "model", &other), hash);
    }
    assert_ne!(prompt_hash("who", "other", &question()), hash);
    // Moved from one part to the next, it is not the same.
    let mut moved = question();
    (moved.system, moved.user) = (format!("{}D", moved.system), moved.user[1..].to_owned());
    assert_ne!(prompt_hash("who", "model", &moved), hash);
    // Two servers may call their models the same, and what is private is apart.
    assert_ne!(prompt_hash("another", "model", &question()), hash);
    let private = asking(Need { private: true, ..Need::default() });
    assert_ne!(prompt_hash("who", "model", &private), hash);
    // Who else may be asked does not change what is asked.
    let needs = asking(Need { code: true, ..Need::default() });
    assert_eq!(prompt_hash("who", "model", &needs), hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_ask_at_once() {
    let two = Two::with("requests_per_minute = 3");
    let Two { groq, next, still } = two;
    let router = Arc::new(still.router);
    let ask = |router: Arc<Router>| async move { router.chat(&question(), soon()).await.unwrap() };
    let asking: Vec<_> = (0..8).map(|_| tokio::spawn(ask(router.clone()))).collect();
    for asked in asking {
        asked.await.unwrap();
    }
    assert_eq!((groq.requests().len(), next.requests().len()), (3, 5));
}
