//! Memories: of whom a task is reminded, how time counts, and `frieze memory`.

use frieze::enrich::embedding::lexical;
use frieze::enrich::memory::{self, Wanted};
use frieze::enrich::queue::{self, Ask, NewTask};
use frieze::enrich::record::{self, Outcome};
use frieze::enrich::{Effect, NewMemory};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::models::{Models, Reply};
use crate::postgres::{connect, run};
use crate::provider;
use crate::world::{DESCRIBE, GOOD, MORE, World, database};

const MODEL: &str = lexical::MODEL;

struct Kept<'a> {
    agent: &'a str,
    thought: &'a str,
    content: &'a str,
    days: u32,
    metadata: &'a str,
}

const fn kept<'a>(agent: &'a str, content: &'a str) -> Kept<'a> {
    Kept { agent, thought: "observation", content, days: 0, metadata: "{}" }
}

async fn keep(connection: &mut PgConnection, kept: &Kept<'_>) {
    let vector = memory::literal(&lexical::embed(kept.content).unwrap());
    let Kept { agent, thought, content, days, metadata } = kept;
    let sql = format!(
        "insert into agent_memory (agent_id, thought_type, content, embedding, embedding_model,
            metadata, created_at)
        values ('{agent}', '{thought}', '{content}', '{vector}', '{MODEL}', '{metadata}',
            now() - interval '{days} days')"
    );
    run(connection, &sql).await;
}

fn wanted(agent: Option<&str>, most: usize) -> Wanted<'_> {
    Wanted { agent, types: &[], with_private: false, most }
}

/// The contents of what is found, nearest first.
async fn found(connection: &mut PgConnection, wanted: &Wanted<'_>, words: &str) -> Vec<String> {
    let vector = lexical::embed(words).unwrap();
    let found = memory::nearest(connection, wanted, &vector, MODEL).await.unwrap();
    found.into_iter().map(|memory| memory.content).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_reminded_of_its_own_and_of_every_lesson() {
    let mut connection = connect(&database().await).await;
    keep(&mut connection, &kept("seo_meta", "harbour arrivals at night")).await;
    keep(&mut connection, &kept("alt_text", "harbour arrivals at noon")).await;
    let lesson = Kept { thought: "reflection", ..kept("reflect", "harbour texts are kept short") };
    keep(&mut connection, &lesson).await;
    let private = Kept { metadata: "{\"private\": true}", ..kept("seo_meta", "harbour secrets") };
    keep(&mut connection, &private).await;
    let own = found(&mut connection, &wanted(Some("seo_meta"), 5), "harbour arrivals").await;
    assert_eq!(own, ["harbour arrivals at night", "harbour texts are kept short"]);
    let open = Wanted { with_private: true, ..wanted(Some("seo_meta"), 5) };
    assert_eq!(found(&mut connection, &open, "harbour arrivals").await.len(), 3);
    let all = Wanted { with_private: true, ..wanted(None, 5) };
    assert_eq!(found(&mut connection, &all, "harbour arrivals").await.len(), 4);
    let types = ["alt_text".to_owned()];
    let noon = Wanted { types: &types, ..all };
    assert_eq!(found(&mut connection, &noon, "harbour").await, ["harbour arrivals at noon"]);
    let other = memory::nearest(&mut connection, &all, &[1.0], "another model").await.unwrap();
    assert!(other.is_empty(), "vectors of two models are not compared");
}

#[tokio::test(flavor = "multi_thread")]
async fn few_among_many_others_are_found() {
    let mut connection = connect(&database().await).await;
    for number in 0..300 {
        let content = format!("harbour arrivals number {number}");
        keep(&mut connection, &kept("alt_text", &content)).await;
    }
    keep(&mut connection, &kept("seo_meta", "a stand for books, and arrivals")).await;
    // Even where the planner would rather walk along the index of all vectors.
    run(&mut connection, "analyze agent_memory; set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = off").await;
    let own = found(&mut connection, &wanted(Some("seo_meta"), 5), "harbour arrivals").await;
    assert_eq!(own, ["a stand for books, and arrivals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_counts_for_half_after_thirty_days() {
    let mut connection = connect(&database().await).await;
    keep(&mut connection, &Kept { days: 30, ..kept("a", "harbour arrivals at night") }).await;
    keep(&mut connection, &Kept { days: 60, ..kept("a", "harbour arrivals at night, twice") })
        .await;
    keep(&mut connection, &kept("a", "arrivals")).await;
    let vector = lexical::embed("harbour arrivals at night").unwrap();
    let all = wanted(None, 5);
    let found = memory::nearest(&mut connection, &all, &vector, MODEL).await.unwrap();
    let by = |days: i64| {
        let age = |it: &&memory::Found| (chrono::Utc::now() - it.created_at).num_days() == days;
        let it = found.iter().find(age).unwrap();
        (it.likeness.unwrap(), it.score.unwrap())
    };
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-3, "{a} {b}");
    close(by(30).0, 1.0);
    close(by(30).1, 0.5);
    close(by(60).1, by(60).0 / 4.0);
    close(by(0).1, by(0).0);
    // So a young one that is less near may come first, and here does.
    assert!(by(0).0 < by(60).0 && by(0).1 > by(60).1, "{found:?}");
    let order: Vec<f64> = found.iter().map(|it| it.score.unwrap()).collect();
    assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_used_for_half_a_year_is_put_away() {
    let mut connection = connect(&database().await).await;
    let old = |content| Kept { days: 181, ..kept("a", content) };
    keep(&mut connection, &old("harbour, forgotten")).await;
    keep(&mut connection, &old("harbour, used")).await;
    keep(&mut connection, &old("harbour, used long ago")).await;
    keep(&mut connection, &Kept { days: 179, ..kept("a", "harbour, young") }).await;
    keep(&mut connection, &Kept { thought: "reflection", ..old("harbour, a lesson") }).await;
    for (content, days) in [("harbour, used", 10), ("harbour, used long ago", 181)] {
        let sql = format!(
            "insert into agent_context (session_id, agent_id, memory_ids, created_at)
            select gen_random_uuid(), 'a', array[null, id], now() - interval '{days} days'
            from agent_memory where content = '{content}'"
        );
        run(&mut connection, &sql).await;
    }
    assert_eq!(memory::archive(&mut connection).await.unwrap(), 2);
    assert_eq!(memory::archive(&mut connection).await.unwrap(), 0, "once");
    let mut left = found(&mut connection, &wanted(Some("a"), 9), "harbour").await;
    left.sort();
    assert_eq!(left, ["harbour, a lesson", "harbour, used", "harbour, young"]);
    let listed = memory::list(&mut connection, &[], 9).await.unwrap();
    assert_eq!(listed.len(), 5, "they stay");
    assert_eq!(listed.iter().filter(|it| it.archived_at.is_some()).count(), 2);
}

const LOGGED: &str = "select provider || ' ' || model || ' ' || (input ? 'texts')
    from agent_run_logs order by created_at, input ? 'texts', id";

#[tokio::test(flavor = "multi_thread")]
async fn a_job_s_provider_and_model_leave_its_memories_alone() {
    let (chats, vectors) = (Models::start(), Models::start());
    chats.always(Reply::value(&json!({"description": GOOD})));
    let providers = provider("chats", "openai", &chats.openai_url(), "")
        + &provider("vectors", "llama", &vectors.url(), "embedding_model = \"e\"");
    let job = format!("{DESCRIBE}provider = \"chats\"\nmodel = \"large\"\n");
    let mut world = World::new(&(providers + &job)).await;
    world.project("tidebook", "A harbour book of arrivals").await;
    assert_eq!(world.enrich()["completed"], 1);
    // Looking for memories, the answer, and the vector that it is found by: all are logged.
    let logged = world.all(LOGGED).await;
    assert_eq!(logged, ["chats large false", "vectors e true", "vectors e true"]);
    assert!(chats.embeddings().is_empty() && vectors.chats().is_empty());
    assert_eq!(vectors.embeddings().len(), 2);
    world.project("lectern", "A harbour stand for arrivals").await;
    assert_eq!(world.enrich()["completed"], 1);
    let said = chats.chats()[1].said("user");
    let expected =
        format!("\nremembered: title: tidebook summary: A harbour book of arrivals{MORE} → {GOOD}");
    assert!(said.ends_with(&expected), "{said}");
    // And what stood in the prompt is written down.
    let ids =
        "select to_jsonb(memory_ids) = (select jsonb_agg(id) from (select id from agent_memory
        order by created_at limit 1) as m) from agent_context order by created_at desc limit 1";
    assert_eq!(world.one(ids).await, json!(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lesson_reaches_tasks_of_other_types() {
    let models = Models::start();
    let lesson = "The owner writes of harbours in short and plain sentences.";
    let is_lesson = |request: &crate::models::Request| {
        request.schema().is_some_and(|it| it["properties"].get("lesson").is_some())
    };
    models.decide(move |request| {
        is_lesson(request).then(|| Reply::value(&json!({"lesson": lesson})))
    });
    let mut world = World::with(&models, "").await;
    let jobs = "\n[enrich.tasks.reflect]\ncollection = \"projects\"\n";
    world.says(&format!("{}{DESCRIBE}{jobs}", provider("own", "llama", &models.url(), "")));
    world.run(&["enrich", "add", "reflect", "--priority", "1"]);
    world.run(&["enrich", "--window", "5", "--concurrency", "1"]);
    let kept = "select content from agent_memory where thought_type = 'reflection'";
    assert_eq!(world.one(kept).await, json!(lesson));
    world.sql("delete from agent_memory where thought_type <> 'reflection'").await;
    world.project("lectern", "A stand for harbours").await;
    world.enrich();
    let said = models.chats().pop().unwrap().said("user");
    assert!(said.ends_with(&format!("\nremembered: {lesson}")), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_are_searched_listed_and_forgotten() {
    let mut world = World::new("").await;
    for memory in [
        kept("seo_meta", "title: Tidebook → harbour arrivals"),
        kept("alt_text", "a lectern of oak"),
        Kept {
            days: 400,
            metadata: "{\"archived_at\": \"2026-01-01T00:00:00Z\"}",
            ..kept("alt_text", "harbour walls")
        },
        Kept { days: 3, metadata: "{\"private\": true}", ..kept("seo_meta", "harbour secrets") },
    ] {
        keep(&mut world.connection, &memory).await;
    }
    let other = "insert into agent_memory (agent_id, thought_type, content, embedding, embedding_model)
        select agent_id, thought_type, 'of another model', embedding, 'gone' from agent_memory limit 1";
    world.sql(other).await;
    let contents = |found: &Value| -> Vec<String> {
        let memories = found["memories"].as_array().unwrap();
        memories.iter().map(|it| it["content"].as_str().unwrap().to_owned()).collect()
    };
    let searched = world.run(&["memory", "search", "arrivals in a harbour"]);
    let nearest = contents(&searched);
    assert_eq!(nearest[..2], ["title: Tidebook → harbour arrivals", "harbour secrets"]);
    assert!(!nearest.contains(&"harbour walls".to_owned()), "archived");
    assert_eq!(searched["memories"][1]["is_private"], json!(true));
    assert_eq!(searched["not_searched"][0]["embedding_model"], "gone");
    let of_type = world.run(&["memory", "search", "a lectern in a harbour", "--type", "alt_text"]);
    assert_eq!(contents(&of_type), ["a lectern of oak"]);
    let first = world.run(&["memory", "search", "harbour arrivals", "--limit", "1"]);
    assert_eq!(contents(&first), ["title: Tidebook → harbour arrivals"]);
    let calls = "select count(*) from agent_run_logs where task_type = 'memory_search'
        and provider = 'built-in' and input ? 'texts'";
    assert_eq!(world.one(calls).await, json!(3));
    // For people: how near, how old, of what type, and what.
    let run = world.site.run(&["memory", "search", "harbour arrivals"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let line = run.stdout.lines().next().unwrap();
    for words in ["  0.", "seconds ago", "seo_meta", "observation", "title: Tidebook → harbour"] {
        assert!(line.contains(words), "{words} in {}", run.stdout);
    }
    assert!(run.stdout.contains("observation, private"), "{}", run.stdout);
    assert!(
        run.stderr.contains("memories with vectors of gone are not searched"),
        "{}",
        run.stderr
    );
    // Listed are all of them, and one is forgotten.
    let listed = world.run(&["memory", "list"]);
    assert_eq!(contents(&listed).len(), 5);
    let id = first["memories"][0]["id"].as_str().unwrap();
    assert_eq!(world.run(&["memory", "forget", &id[..13]]), json!({"forgotten": id}));
    assert_eq!(contents(&world.run(&["memory", "list"])).len(), 4);
    let again = world.site.run(&["memory", "forget", id]);
    assert_eq!(again.code, 5, "{}", again.stderr);
    assert_eq!(world.site.run(&["memory", "forget", "harbour"]).code, 5);
    world.sql("drop table agent_memory, content_embeddings").await;
    let none = world.site.run(&["memory", "search", "harbour"]);
    assert_eq!(none.code, 4, "{}", none.stderr);
    assert!(none.stderr.contains("install pgvector"), "{}", none.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_are_searched_for_in_private_stay_here() {
    let (far, near) = (Models::start(), Models::start());
    let providers = provider("far", "openai", &far.openai_url(), "embedding_model = \"e\"")
        + &provider("near", "llama", &near.url(), "embedding_model = \"e\"");
    let mut world = World::new(&providers).await;
    keep(&mut world.connection, &kept("a", "harbour")).await;
    world.sql("update agent_memory set embedding_model = 'e'").await;
    world.run(&["memory", "search", "a secret", "--private"]);
    assert_eq!((far.requests().len(), near.requests().len()), (0, 1));
    world.run(&["memory", "search", "no secret"]);
    assert_eq!((far.requests().len(), near.requests().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn memories_are_found_wherever_pgvector_lives() {
    let mut connection = connect(&database().await).await;
    keep(&mut connection, &kept("a", "harbour arrivals")).await;
    run(&mut connection, "create schema extensions; alter extension vector set schema extensions")
        .await;
    let near = found(&mut connection, &wanted(Some("a"), 5), "arrivals in a harbour").await;
    assert_eq!(near, ["harbour arrivals"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_nothing_in_common_is_no_memory_of_it() {
    let mut connection = connect(&database().await).await;
    run(
        &mut connection,
        &format!(
            "insert into agent_memory (agent_id, thought_type, content, embedding, embedding_model)
            select 'a', 'observation', n, v::text::vector, 'm' from (values
                ('along', '{}'), ('across', '{}'), ('against', '{}')) as x(n, v)",
            memory::literal(&[1.0, 0.1]),
            memory::literal(&[0.0, 1.0]),
            memory::literal(&[-1.0, 0.0])
        ),
    )
    .await;
    let all = memory::nearest(&mut connection, &wanted(None, 5), &[1.0], "m").await.unwrap();
    let contents: Vec<&str> = all.iter().map(|it| it.content.as_str()).collect();
    assert_eq!(contents, ["along"]);
}

/// A stand-in whose vectors have so many numbers.
fn wide(numbers: usize) -> Models {
    let models = Models::start();
    models.decide(move |request| {
        if request.is_chat() {
            return Some(Reply::value(&json!({"description": GOOD})));
        }
        let data = json!([{"index": 0, "embedding": vec![0.5; numbers]}]);
        Some(Reply::body(200, json!({"data": data}).to_string()))
    });
    models
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_that_cannot_be_kept_cost_no_task_but_those_that_make_them() {
    let models = wide(1537);
    let mut world = World::with(&models, "embedding_model = \"wide\"").await;
    for slug in ["lectern", "weft", "choir"] {
        world.project(slug, "One of several things that its owner has made").await;
    }
    let run = world.site.run(&["enrich", "--json", "--concurrency", "1"]);
    let report: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&report["completed"], &report["failed"]), (&json!(4), &json!(0)), "{report}");
    let why = "vectors of wide have 1537 numbers, and 1536 is the most that can be kept";
    assert_eq!(run.stderr.matches(why).count(), 1, "{}", run.stderr);
    assert_eq!(world.one("select count(*) from agent_memory").await, json!(0));
    assert_eq!(models.embeddings().len(), 1, "it is asked once");

    let job = "[enrich.tasks.embed]\ncollection = \"projects\"\nfrom = [\"title\"]\n";
    world.says(&format!(
        "{}{job}",
        provider("own", "llama", &models.url(), "embedding_model = \"wide\"")
    ));
    let report = world.run(&["enrich", "--concurrency", "1"]);
    assert_eq!((&report["failed"], &report["retried"]), (&json!(4), &json!(0)), "{report}");
    assert!(report["problems"].to_string().contains(why), "{report}");
    assert_eq!(models.embeddings().len(), 2);
    // One fewer is kept.
    let models = wide(1536);
    world.says(&format!(
        "{}{job}",
        provider("own", "llama", &models.url(), "embedding_model = \"fits\"")
    ));
    assert_eq!(world.run(&["enrich"])["completed"], 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_recorded_whatever_becomes_of_its_memory() {
    let mut connection = connect(&database().await).await;
    run(
        &mut connection,
        "alter table agent_memory add constraint no_walls check (content not like '%walls%')",
    )
    .await;
    let run_id = Uuid::new_v4();
    for (content, vector, kept) in [
        ("too wide", vec![0.5; 1537], 0),
        ("of nothing", vec![0.0; 3], 0),
        ("harbour walls", vec![0.5; 3], 0),
        ("harbour arrivals", vec![0.5; 3], 1),
    ] {
        queue::add(&mut connection, &NewTask::new("seo_meta")).await.unwrap();
        let (worker, types, lease) = ("tester", &[][..], std::time::Duration::from_mins(1));
        let ask = Ask { worker, count: 1, lease, types, except: &[], run_id };
        let task = queue::claim(&mut connection, &ask).await.unwrap().remove(0);
        let memory = NewMemory {
            agent_id: "seo_meta".to_owned(),
            thought_type: "observation",
            content: content.to_owned(),
            vector,
            embedding_model: MODEL.to_owned(),
            metadata: Value::Null,
        };
        let effect = Effect { memories: vec![memory], ..Effect::default() };
        let outcome = record::finish(&mut connection, &task, &effect, run_id).await;
        assert!(matches!(outcome, Ok(Outcome::Recorded(_))), "{content}: {outcome:?}");
        let count = "select count(*) from agent_memory";
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut connection).await.unwrap();
        assert_eq!(count, kept, "{content}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_is_logged_in_a_transaction() {
    let mut world = World::new("").await;
    keep(&mut world.connection, &kept("a", "harbour")).await;
    // What is found out at the end of a transaction tells whether there is one.
    world
        .sql(
            "create function late() returns trigger language plpgsql as
                $$ begin raise 'too late'; end $$;
            create constraint trigger late after insert on agent_run_logs
                deferrable initially deferred for each row execute function late()",
        )
        .await;
    let run = world.site.run(&["memory", "search", "harbour"]);
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.stderr.contains("logging a search"), "{}", run.stderr);
}
