//! How tasks end: recorded once, by whoever holds them; tried again later; rescued.

use std::time::Duration;

use frieze::enrich::queue::{self, NewTask, Rescued};
use frieze::enrich::record::{self, Failed, Outcome};
use frieze::enrich::{CachedAnswer, Claimed, Context, Effect, FailureKind, NewMemory, Write};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::kit::{Kit, call, effect, failure, row};

const COUNTS: &str = "select jsonb_build_array((select count(*) from agent_run_logs),
    (select count(*) from skills), (select count(*) from enrichments),
    (select count(*) from ai_response_cache), (select count(*) from agent_memory),
    (select count(*) from agent_context), (select count(*) from content_embeddings))";

fn answer(response: &str) -> CachedAnswer {
    CachedAnswer {
        provider: "stub".into(),
        is_private: false,
        prompt_hash: "ab".repeat(32),
        response: response.into(),
        model: "m1".into(),
        ttl: Duration::from_hours(2),
    }
}

/// Something in every table.
fn everything() -> Effect {
    Effect {
        answers: vec![answer("an answer")],
        memories: vec![NewMemory {
            agent_id: "a".into(),
            thought_type: "reflection",
            content: "a thought\0".into(),
            vector: vec![0.5, 0.25],
            embedding_model: "e".into(),
            metadata: Value::Null,
        }],
        context: Some(Context {
            agent_id: "a".into(),
            query: "q".into(),
            response: "r".into(),
            memory_ids: vec![Uuid::new_v4()],
        }),
        ..effect(vec![
            row("skills", json!({"name": "Rust", "category": "Backend"}), &["name"]),
            embedding(vec![1.0, 2.0]),
        ])
    }
}

fn embedding(vector: Vec<f32>) -> Write {
    Write::Embedding {
        collection: "projects".into(),
        row_id: Uuid::nil(),
        content_hash: "h".into(),
        vector,
        model: "e".into(),
    }
}

async fn finish(kit: &mut Kit, task: &Claimed, effect: &Effect) -> Outcome {
    record::finish(&mut kit.connection, task, effect, kit.run_id).await.unwrap()
}

#[tokio::test]
async fn all_that_a_task_leaves_is_recorded_with_it() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    let outcome = finish(&mut kit, &task, &everything()).await;
    assert!(matches!(&outcome, Outcome::Recorded(it) if it.written == 2), "{outcome:?}");
    assert_eq!(kit.one(COUNTS).await, json!([1, 1, 1, 1, 1, 1, 1]));
    let row = kit
        .one("select jsonb_build_object('status', status, 'result', result, 'free', leased_by is null and leased_until is null, 'ended', completed_at is not null) from task_queue")
        .await;
    assert_eq!(
        row,
        json!({"status": "completed", "result": {"done": true}, "free": true, "ended": true})
    );
    let log = "select to_jsonb(l) - 'id' - 'created_at' - 'updated_at' from agent_run_logs as l";
    let expected = json!({"session_id": kit.run_id, "task_id": task.id, "task_type": "stub",
        "provider": "stub", "model": "m1", "prompt_hash": null, "is_cached": false, "is_private": false, "input": null,
        "output": null, "tokens_in": 10, "tokens_out": 5, "latency_ms": 40, "cost": 0.25,
        "error": null, "reason": "first in the list"});
    assert_eq!(kit.one(log).await, expected);
    let padded = "select vector_dims(embedding) = 1536 and content = 'a thought' from agent_memory";
    assert_eq!(kit.one(padded).await, json!(true));
    let ttl = "select ttl = interval '2 hours' from ai_response_cache";
    assert_eq!(kit.one(ttl).await, json!(true));
}

#[tokio::test]
async fn a_late_finish_after_rescue_changes_nothing() {
    let mut kit = Kit::new().await;
    let late = kit.claimed().await;
    kit.expire(late.id).await;
    let rescued = queue::rescue(&mut kit.connection).await.unwrap();
    assert_eq!(rescued, Rescued { pending: 1, failed: 0 });
    let nothing = json!([0, 0, 0, 0, 0, 0, 0]);

    // While it waits, while another worker has it, and after that one is done.
    assert!(matches!(finish(&mut kit, &late, &everything()).await, Outcome::Lost));
    assert_eq!(kit.one(COUNTS).await, nothing);
    kit.sql("update task_queue set scheduled_at = now()").await;
    let second = kit.claim("second", 1).await.remove(0);
    assert_eq!(second.attempts, 2);
    assert!(matches!(finish(&mut kit, &late, &everything()).await, Outcome::Lost));
    let failed = failure(FailureKind::Final);
    let lost = record::fail(&mut kit.connection, &late, &failed, kit.run_id);
    assert_eq!(lost.await.unwrap(), Failed::Lost);
    assert_eq!(kit.one(COUNTS).await, nothing);
    assert_eq!(kit.status(late.id).await["status"], "processing");
    assert!(matches!(finish(&mut kit, &second, &everything()).await, Outcome::Recorded(_)));
    assert!(matches!(finish(&mut kit, &late, &everything()).await, Outcome::Lost));
    assert!(matches!(finish(&mut kit, &second, &everything()).await, Outcome::Lost));
    assert_eq!(kit.one(COUNTS).await, json!([1, 1, 1, 1, 1, 1, 1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_finish_the_same_attempt_one_does() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    let mut all = Vec::new();
    for _ in 0..8 {
        let (mut connection, task, run_id) = (kit.another().await, task.clone(), kit.run_id);
        all.push(tokio::spawn(async move {
            record::finish(&mut connection, &task, &everything(), run_id).await.unwrap()
        }));
    }
    let mut recorded = 0;
    for one in all {
        recorded += usize::from(matches!(one.await.unwrap(), Outcome::Recorded(_)));
    }
    assert_eq!(recorded, 1);
    assert_eq!(kit.one(COUNTS).await, json!([1, 1, 1, 1, 1, 1, 1]));
}

#[tokio::test]
async fn one_bad_effect_takes_no_others_with_it() {
    let mut kit = Kit::new().await;
    for _ in 0..4 {
        kit.add(&NewTask::new("stub")).await;
    }
    let tasks = kit.claim("w", 4).await;
    let skill = |name: &str, category: &str| {
        effect(vec![row("skills", json!({"name": name, "category": category}), &[])])
    };
    let effects = [
        skill("a", "AI"),
        skill("b", "Nonsense"),
        skill("c", "AI"),
        effect(vec![embedding(vec![0.0])]),
    ];
    kit.expire(tasks[2].id).await;
    queue::rescue(&mut kit.connection).await.unwrap();
    let works: Vec<_> = tasks.iter().zip(&effects).collect();
    let outcomes = record::finish_many(&mut kit.connection, &works, kit.run_id).await.unwrap();
    assert!(matches!(outcomes[0], Outcome::Recorded(_)), "{outcomes:?}");
    let Outcome::Refused(refused) = &outcomes[1] else { panic!("{outcomes:?}") };
    assert_eq!((refused.kind, refused.calls.len()), (FailureKind::Retry, 1));
    assert!(refused.message.contains("skills_category_check"), "{}", refused.message);
    assert!(matches!(outcomes[2], Outcome::Lost), "{outcomes:?}");
    let Outcome::Refused(refused) = &outcomes[3] else { panic!("{outcomes:?}") };
    assert!(refused.message.contains("embedding is zero"), "{}", refused.message);
    assert_eq!(kit.all("select name from skills").await, [json!("a")]);
    assert_eq!(kit.one("select count(*) from agent_run_logs").await, json!(1));
    assert_eq!(kit.status(tasks[1].id).await["status"], "processing");
}

#[tokio::test]
async fn answers_to_the_same_question_are_one() {
    let mut kit = Kit::new().await;
    for _ in 0..2 {
        kit.add(&NewTask::new("stub")).await;
    }
    let tasks = kit.claim("w", 2).await;
    let effect = Effect { answers: vec![answer("one"), answer("two")], ..effect(vec![]) };
    let works: Vec<_> = tasks.iter().map(|task| (task, &effect)).collect();
    let outcomes = record::finish_many(&mut kit.connection, &works, kit.run_id).await.unwrap();
    assert!(outcomes.iter().all(|it| matches!(it, Outcome::Recorded(_))), "{outcomes:?}");
    assert_eq!(kit.one("select count(*) from ai_response_cache").await, json!(1));
}

#[tokio::test]
async fn an_embedding_takes_the_place_of_the_models_last_one() {
    let mut kit = Kit::new().await;
    for vector in [vec![1.0, 0.0], vec![0.0, 1.0]] {
        let task = kit.claimed().await;
        finish(&mut kit, &task, &effect(vec![embedding(vector)])).await;
    }
    let stands = "select left(embedding::text, 7) from content_embeddings";
    assert_eq!(kit.all(stands).await, [json!("[0,1,0,")]);
}

#[tokio::test]
async fn without_the_tables_of_vectors_embeddings_fail_and_memories_are_left_out() {
    let mut kit = Kit::new().await;
    kit.sql("drop table agent_memory, content_embeddings").await;
    let task = kit.claimed().await;
    let Outcome::Refused(refused) = finish(&mut kit, &task, &everything()).await else {
        panic!("recorded")
    };
    assert_eq!(refused.kind, FailureKind::Final);
    assert!(refused.message.contains("install pgvector"), "{}", refused.message);
    let rest = Effect { writes: vec![], ..everything() };
    assert!(matches!(finish(&mut kit, &task, &rest).await, Outcome::Recorded(_)));
    assert_eq!(kit.one("select count(*) from agent_context").await, json!(1));
}

#[tokio::test]
async fn a_failed_attempt_is_followed_by_another_until_none_is_left() {
    let mut kit = Kit::new().await;
    let task = NewTask { max_attempts: 2, ..NewTask::new("stub") };
    let id = kit.add(&task).await;
    let first = kit.claim("w", 1).await.remove(0);
    let failed = failure(FailureKind::Retry);
    let after = record::fail(&mut kit.connection, &first, &failed, kit.run_id).await.unwrap();
    assert!(matches!(after, Failed::Again(wait) if wait.as_secs_f64() <= 5.0), "{after:?}");
    let waits = json!({"status": "pending", "attempts": 1, "error": "the model said no"});
    assert_eq!(kit.status(id).await, waits);
    assert!(kit.claim("w", 1).await.is_empty());
    kit.sql("update task_queue set scheduled_at = now()").await;
    let second = kit.claim("w", 1).await.remove(0);
    let after = record::fail(&mut kit.connection, &second, &failed, kit.run_id).await.unwrap();
    assert_eq!(after, Failed::Finally);
    let failed = json!({"status": "failed", "attempts": 2, "error": "the model said no"});
    assert_eq!(kit.status(id).await, failed);
    assert_eq!(kit.one("select count(*) from agent_run_logs").await, json!(2));
}

#[tokio::test]
async fn a_final_failure_is_final_at_once_and_keeps_its_message() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    let mut failed = failure(FailureKind::Final);
    failed.message = "no\0 such row".into();
    let after = record::fail(&mut kit.connection, &task, &failed, kit.run_id).await.unwrap();
    assert_eq!(after, Failed::Finally);
    let expected = json!({"status": "failed", "attempts": 1, "error": "no such row"});
    assert_eq!(kit.status(task.id).await, expected);
    assert!(kit.claim("w", 1).await.is_empty());
}

#[tokio::test]
async fn nobody_to_ask_uses_up_no_attempt() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    let wait = Duration::from_secs(90);
    let failed = failure(FailureKind::Unavailable(wait));
    let after = record::fail(&mut kit.connection, &task, &failed, kit.run_id).await.unwrap();
    assert_eq!(after, Failed::PutBack(wait));
    assert_eq!(kit.status(task.id).await["attempts"], 0);
    let in_time =
        "select scheduled_at - now() between interval '80 s' and interval '90 s' from task_queue";
    assert_eq!(kit.one(in_time).await, json!(true));
    assert_eq!(kit.one("select count(*) from agent_run_logs").await, json!(1));
}

#[tokio::test]
async fn backoff_doubles_is_capped_and_carries_jitter() {
    let mut kit = Kit::new().await;
    for (attempts, longest) in [(1, 5.0), (2, 10.0), (5, 80.0), (7, 320.0), (8, 600.0), (99, 600.0)]
    {
        kit.sql("delete from task_queue").await;
        kit.sql(&format!(
            "insert into task_queue (task_type, status, attempts, max_attempts, leased_by, leased_until)
             select 'stub', 'processing', {attempts}, 100, 'dead', now() - interval '1 s' from generate_series(1, 200)"
        ))
        .await;
        let rescued = queue::rescue(&mut kit.connection).await.unwrap();
        assert_eq!(rescued, Rescued { pending: 200, failed: 0 });
        let waits = "select extract(epoch from scheduled_at - updated_at)::float8 from task_queue";
        let waits: Vec<f64> = kit.all(waits).await.iter().map(|it| it.as_f64().unwrap()).collect();
        let (least, most) =
            waits.iter().fold((f64::MAX, 0.0_f64), |(a, b), &it| (a.min(it), b.max(it)));
        assert!(
            least >= longest / 2.0 - 0.001 && most <= longest + 0.001,
            "{attempts}: {least} to {most}"
        );
        assert!(most - least > longest / 4.0, "{attempts}: {least} to {most} is no jitter");
    }
}

#[tokio::test]
async fn a_rescue_takes_what_is_late_and_fails_what_has_no_attempt_left() {
    let mut kit = Kit::new().await;
    kit.sql("insert into task_queue (task_type, target, status, attempts, max_attempts, leased_by, leased_until) values
        ('stub', 'again', 'processing', 1, 2, 'w1', now() - interval '1 s'),
        ('stub', 'spent', 'processing', 2, 2, 'w1', now() - interval '1 s'),
        ('stub', 'held', 'processing', 1, 2, 'w1', now() + interval '1 minute'),
        ('stub', 'lowered', 'pending', 3, 2, null, null)").await;
    let rescued = queue::rescue(&mut kit.connection).await.unwrap();
    assert_eq!(rescued, Rescued { pending: 1, failed: 2 });
    let all = kit
        .all("select array[target, status, error_message] from task_queue order by target")
        .await;
    assert_eq!(
        all,
        [
            json!(["again", "pending", "worker w1 did not finish attempt 1 of 2 within its lease"]),
            json!(["held", "processing", null]),
            json!(["lowered", "failed", "all 2 attempts are used up"]),
            json!(["spent", "failed", "worker w1 did not finish attempt 2 of 2 within its lease"]),
        ]
    );
    assert_eq!(queue::rescue(&mut kit.connection).await.unwrap(), Rescued::default());
}

#[tokio::test]
async fn a_task_tells_its_calls_and_what_it_wrote() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    finish(&mut kit, &task, &everything()).await;
    let details = queue::show(&mut kit.connection, task.id).await.unwrap();
    assert_eq!((details.calls.len(), details.written.len()), (1, 1));
    assert_eq!((details.calls[0].tokens_in, details.calls[0].cost), (Some(10), Some(0.25)));
    assert_eq!(details.written[0].table_name, "skills");
    assert_eq!(details.result, Some(json!({"done": true})));
    assert_eq!(details.run_id, Some(kit.run_id));
}

#[tokio::test]
async fn calls_are_summed_by_provider_and_type() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    let cached = frieze::enrich::Call { is_cached: true, cost: None, ..call() };
    let failed = frieze::enrich::Call {
        provider: "other".into(),
        error: Some(json!("503")),
        tokens_in: None,
        tokens_out: None,
        cost: None,
        latency: Duration::from_millis(100),
        ..call()
    };
    let effect = Effect { calls: vec![call(), call(), cached, failed], ..effect(vec![]) };
    finish(&mut kit, &task, &effect).await;
    kit.sql("insert into agent_run_logs (session_id, provider, model, created_at) values (gen_random_uuid(), 'old', 'm', now() - interval '31 days')").await;
    let since = queue::Since::Back(Duration::from_hours(30 * 24));
    let all = queue::stats(&mut kit.connection, since).await.unwrap();
    let lines: Vec<_> = all
        .by
        .iter()
        .chain([&all.total])
        .map(|it| {
            let provider = it.provider.as_deref().unwrap_or("all");
            format!(
                "{provider} {} {} {} {} {:?} {:?}",
                it.calls, it.cached, it.failures, it.tokens_in, it.cost, it.p95_ms
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "other 1 0 1 0 None Some(100.0)",
            "stub 3 1 0 30 Some(0.5) Some(40.0)",
            "all 4 1 1 30 Some(0.5) Some(94.0)"
        ]
    );
}

#[tokio::test]
async fn whatever_a_trigger_says_is_that_task_s_failed_attempt() {
    let mut kit = Kit::new().await;
    for code in ["PT409", "57014", "55P03", "XX000", "28000", "23505"] {
        kit.sql(&format!(
            "create or replace function no() returns trigger language plpgsql as
            $$ begin raise 'no' using errcode = '{code}'; end $$;
            create or replace trigger no before insert on skills for each row execute function no()"
        ))
        .await;
        let task = kit.claimed().await;
        let skill = row("skills", json!({"name": "Go", "category": "AI"}), &[]);
        let (effect, run_id) = (effect(vec![skill]), kit.run_id);
        let outcome = record::finish(&mut kit.connection, &task, &effect, run_id).await.unwrap();
        let Outcome::Refused(failure) = outcome else { panic!("{code}: {outcome:?}") };
        assert_eq!(failure.kind, FailureKind::Retry, "{code}");
        assert!(failure.message.contains(code), "{}", failure.message);
    }
}
