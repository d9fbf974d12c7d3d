//! What models may write into rows that people edit too.

use frieze::enrich::record::{self, Outcome, Recorded};
use frieze::enrich::{FailureKind, Write};
use serde_json::{Value, json};

use crate::kit::{Kit, effect, field};

const SUMMARY: &str = "select summary from projects where slug = 'p'";

async fn with_project(summary: &str) -> Kit {
    let mut kit = Kit::new().await;
    kit.sql(&format!("insert into projects (title, slug, summary) values ('P', 'p', {summary})"))
        .await;
    kit
}

async fn write(kit: &mut Kit, write: Write) -> Outcome {
    let task = kit.claimed().await;
    record::finish(&mut kit.connection, &task, &effect(vec![write]), kit.run_id).await.unwrap()
}

async fn recorded(kit: &mut Kit, it: Write) -> Recorded {
    match write(kit, it).await {
        Outcome::Recorded(recorded) => recorded,
        other => panic!("{other:?}"),
    }
}

async fn refused(kit: &mut Kit, it: Write) -> (FailureKind, String) {
    match write(kit, it).await {
        Outcome::Refused(failure) => (failure.kind, failure.message),
        other => panic!("{other:?}"),
    }
}

fn summary(text: &str) -> Write {
    field("projects", json!({"slug": "p"}), "summary", json!(text))
}

fn forced(mut write: Write) -> Write {
    if let Write::Field { overwrite, .. } = &mut write {
        *overwrite = true;
    }
    write
}

#[tokio::test]
async fn an_empty_field_is_filled_and_it_is_written_down() {
    for empty in ["null", "''", "E' \\t\\n'"] {
        let mut kit = with_project(empty).await;
        let before = kit.one(SUMMARY).await;
        assert_eq!(recorded(&mut kit, summary("New")).await.written, 1, "{empty}");
        assert_eq!(kit.one(SUMMARY).await, "New");
        let line = "select jsonb_build_array(table_name, row_key, column_name, value, former, task_type, run_id, provider, model) from enrichments";
        let by = json!(["projects", {"slug": "p"}, "summary", "New", before, "stub", kit.run_id, "stub", "m1"]);
        assert_eq!(kit.one(line).await, by);
    }
}

#[tokio::test]
async fn what_a_person_wrote_stays_and_the_task_says_so() {
    let mut kit = with_project("'Mine'").await;
    let recorded = recorded(&mut kit, summary("New")).await;
    assert_eq!((recorded.written, recorded.kept.len()), (0, 1));
    assert_eq!(kit.one(SUMMARY).await, "Mine");
    assert_eq!(kit.one("select count(*) from enrichments").await, 0);
    let kept = json!({"done": true, "kept": [{"table": "projects", "key": {"slug": "p"}, "column": "summary"}]});
    assert_eq!(kit.one("select result from task_queue").await, kept);
}

#[tokio::test]
async fn it_goes_where_the_task_was_told_so() {
    let mut kit = with_project("'Mine'").await;
    recorded(&mut kit, forced(summary("New"))).await;
    assert_eq!(kit.one(SUMMARY).await, "New");
    assert_eq!(kit.one("select former from enrichments").await, "Mine");
}

#[tokio::test]
async fn what_a_model_wrote_may_be_replaced_until_a_person_changes_it() {
    let mut kit = with_project("''").await;
    recorded(&mut kit, summary("First")).await;
    recorded(&mut kit, summary("Second")).await;
    assert_eq!(kit.one(SUMMARY).await, "Second");
    // What stood there before any model came.
    assert_eq!(
        kit.all("select array[value, former] from enrichments").await,
        [json!(["Second", ""])]
    );
    kit.sql("update projects set summary = 'Mine'").await;
    assert_eq!(recorded(&mut kit, summary("Third")).await.kept.len(), 1);
    assert_eq!(kit.one(SUMMARY).await, "Mine");
    // Emptied by a person, it may be filled again.
    kit.sql("update projects set summary = ' '").await;
    recorded(&mut kit, summary("Fourth")).await;
    assert_eq!(
        kit.all("select array[value, former] from enrichments").await,
        [json!(["Fourth", " "])]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_writes_meanwhile_wins() {
    let mut kit = with_project("null").await;
    let task = kit.claimed().await;
    let mut person = kit.another().await;
    crate::postgres::run(&mut person, "begin; update projects set summary = 'Mine'").await;
    let (mut worker, run_id) = (kit.another().await, kit.run_id);
    let finishing = tokio::spawn(async move {
        record::finish(&mut worker, &task, &effect(vec![summary("New")]), run_id).await.unwrap()
    });
    let waits = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    while kit.one(waits).await == json!(0) {
        tokio::task::yield_now().await;
    }
    crate::postgres::run(&mut person, "commit").await;
    let outcome = finishing.await.unwrap();
    assert!(matches!(&outcome, Outcome::Recorded(it) if it.kept.len() == 1), "{outcome:?}");
    assert_eq!(kit.one(SUMMARY).await, "Mine");
}

#[tokio::test]
async fn values_become_what_the_column_holds() {
    let mut kit = with_project("null").await;
    kit.sql("create schema \"Odd one\"; create table \"Odd one\".\"T\"\"t\" (\"the key\" int, part text, n numeric, at date, tags text[], doc jsonb, primary key (\"the key\", part));
        insert into \"Odd one\".\"T\"\"t\" (\"the key\", part) values (1, 'a'), (1, 'b')").await;
    let key = json!({"the key": 1, "part": "b"});
    for (column, value) in [
        ("n", json!(1.5)),
        ("at", json!("2026-01-02")),
        ("tags", json!(["a", "b c"])),
        ("doc", json!({"a": [1, null], "b": "x\u{0}y"})),
    ] {
        let write = field("Odd one.T\"t", key.clone(), column, value);
        assert_eq!(recorded(&mut kit, write).await.written, 1, "{column}");
    }
    let row = "select to_jsonb(t) from \"Odd one\".\"T\"\"t\" as t order by part";
    let rows = kit.all(row).await;
    assert_eq!(rows[0]["n"], Value::Null);
    let expected = json!({"the key": 1, "part": "b", "n": 1.5, "at": "2026-01-02",
        "tags": ["a", "b c"], "doc": {"a": [1, null], "b": "xy"}});
    assert_eq!(rows[1], expected);
}

#[tokio::test]
async fn the_same_value_again_changes_nothing() {
    let mut kit = with_project("null").await;
    recorded(&mut kit, summary("New")).await;
    let version = "select array[p.xmin::text, e.xmin::text] from projects as p, enrichments as e";
    let before = kit.one(version).await;
    let recorded = recorded(&mut kit, summary("New")).await;
    assert_eq!((recorded.written, recorded.kept.len()), (0, 0));
    assert_eq!(kit.one(version).await, before);
}

#[tokio::test]
async fn a_write_that_makes_no_sense_is_refused() {
    let mut kit = with_project("null").await;
    let key = || json!({"slug": "p"});
    for (write, kind, why) in [
        (
            field("projects", json!({"slug": "q"}), "summary", json!("x")),
            FailureKind::Final,
            "no row {\"slug\":\"q\"} any more",
        ),
        (
            field("projects", json!({}), "summary", json!("x")),
            FailureKind::Final,
            "no column of projects says",
        ),
        (field("projects", key(), "nope", json!("x")), FailureKind::Final, "nope does not exist"),
        (
            field("nope", key(), "summary", json!("x")),
            FailureKind::Final,
            "\"nope\" does not exist",
        ),
        (
            field("projects", key(), "featured_order", json!("many")),
            FailureKind::Retry,
            "invalid input syntax",
        ),
        (
            field("projects", json!({"id": "no id"}), "summary", json!("x")),
            FailureKind::Retry,
            "invalid input syntax",
        ),
    ] {
        let (got, message) = refused(&mut kit, write).await;
        assert!(got == kind && message.contains(why), "{got:?} {message}");
    }
    kit.sql("insert into projects (title, slug) values ('P', 'p2')").await;
    let both = field("projects", json!({"title": "P"}), "summary", json!("x"));
    assert!(refused(&mut kit, both).await.1.contains("several rows"));
    assert_eq!(kit.one("select count(*) from projects where summary is not null").await, 0);
    assert_eq!(kit.one("select count(*) from task_queue where status <> 'processing'").await, 0);
}
