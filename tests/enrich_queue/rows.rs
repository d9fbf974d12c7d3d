//! Rows that models add.

use frieze::enrich::Write;
use frieze::enrich::record::{self, Outcome};
use serde_json::json;

use crate::kit::{Kit, effect, row};

fn skill(name: &str, category: &str) -> Write {
    row("skills", json!({"name": name, "category": category}), &["name"])
}

async fn written(kit: &mut Kit, writes: Vec<Write>) -> usize {
    let task = kit.claimed().await;
    let effect = effect(writes);
    match record::finish(&mut kit.connection, &task, &effect, kit.run_id).await.unwrap() {
        Outcome::Recorded(recorded) => recorded.written,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_row_is_added_unless_one_is_there() {
    let mut kit = Kit::new().await;
    kit.sql("insert into skills (name, category) values ('Rust', 'Backend')").await;
    let writes = vec![skill("Rust", "Other"), skill("Go", "Backend"), skill("Go", "Other")];
    assert_eq!(written(&mut kit, writes).await, 1);
    let names = kit.all("select array[name, category] from skills order by name").await;
    assert_eq!(names, [json!(["Go", "Backend"]), json!(["Rust", "Backend"])]);
    let line = "select jsonb_build_array(table_name, row_key = (select jsonb_build_object('id', id) from skills where name = 'Go'), column_name, value) from enrichments";
    let fields = json!({"name": "Go", "category": "Backend"});
    assert_eq!(kit.one(line).await, json!(["skills", true, "*", fields]));
}

#[tokio::test]
async fn nothing_is_like_nothing() {
    let mut kit = Kit::new().await;
    kit.sql("create table public.loose (a text, b text)").await;
    let loose = || row("public.loose", json!({"a": "x", "b": null}), &["a", "b"]);
    assert_eq!(written(&mut kit, vec![loose(), loose()]).await, 1);
    assert_eq!(kit.one("select row_key from enrichments").await, json!({"a": "x", "b": null}));
    let always = || row("loose", json!({"a": "y"}), &[]);
    assert_eq!(written(&mut kit, vec![always()]).await, 1);
    assert_eq!(kit.one("select count(*) from loose").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_propose_the_same_row_at_once_add_it_once() {
    let mut kit = Kit::new().await;
    let mut all = Vec::new();
    for _ in 0..8 {
        let task = kit.claimed().await;
        let (mut connection, run_id) = (kit.another().await, kit.run_id);
        all.push(tokio::spawn(async move {
            // Each in its own order, so that they wait for each other in a ring.
            let mut writes: Vec<_> = (0..6).map(|n| skill(&format!("s{n}"), "AI")).collect();
            fastrand::shuffle(&mut writes);
            record::finish(&mut connection, &task, &effect(writes), run_id).await.unwrap()
        }));
    }
    for one in all {
        let outcome = one.await.unwrap();
        assert!(matches!(outcome, Outcome::Recorded(_)), "{outcome:?}");
    }
    assert_eq!(kit.one("select count(*) from skills").await, 6);
    assert_eq!(kit.one("select count(*) from enrichments").await, 6);
}
