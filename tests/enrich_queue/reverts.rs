//! Taking back what models wrote.

use frieze::enrich::record::{self, Outcome};
use frieze::enrich::revert::{Reverted, State, Which, revert};
use frieze::enrich::{Claimed, Write};
use serde_json::json;

use crate::kit::{Kit, effect, field, row};

async fn kit() -> Kit {
    let mut kit = Kit::new().await;
    kit.sql("insert into projects (title, slug, summary, description) values ('A', 'a', null, ''), ('B', 'b', ' ', 'mine')").await;
    kit
}

fn project(slug: &str, column: &str) -> Write {
    field("projects", json!({"slug": slug}), column, json!("the model's"))
}

async fn task(kit: &mut Kit, writes: Vec<Write>) -> Claimed {
    let task = kit.claimed().await;
    let outcome = record::finish(&mut kit.connection, &task, &effect(writes), kit.run_id).await;
    assert!(matches!(outcome, Ok(Outcome::Recorded(_))), "{outcome:?}");
    task
}

async fn states(kit: &mut Kit, which: Which) -> Vec<State> {
    let all: Vec<Reverted> = revert(&mut kit.connection, &which).await.unwrap();
    let mut all: Vec<_> =
        all.into_iter().map(|it| (format!("{} {}", it.key, it.column), it.state)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all.into_iter().map(|(_, state)| state).collect()
}

#[tokio::test]
async fn a_task_is_taken_back_where_nobody_has_changed_it_since() {
    let mut kit = kit().await;
    let skill = row("skills", json!({"name": "Go", "category": "AI"}), &["name"]);
    let all =
        vec![project("a", "description"), project("a", "summary"), project("b", "summary"), skill];
    let task = task(&mut kit, all).await;
    kit.sql("update projects set summary = 'edited' where slug = 'b'").await;
    let which = Which::Task(task.id);
    let done = states(&mut kit, which.clone()).await;
    assert_eq!(done, [State::Reverted, State::Reverted, State::Reverted, State::Changed]);
    let rows =
        kit.all("select jsonb_build_array(summary, description) from projects order by slug").await;
    assert_eq!(rows, [json!([null, ""]), json!(["edited", "mine"])]);
    assert_eq!(kit.one("select count(*) from skills").await, 0);
    let marked = "select count(*) from enrichments where reverted_at is not null";
    assert_eq!(kit.one(marked).await, 3);
    // Once is enough; what was changed back is the model's again.
    kit.sql("update projects set summary = 'the model''s' where slug = 'b'").await;
    assert_eq!(states(&mut kit, which.clone()).await, [State::Reverted]);
    assert_eq!(states(&mut kit, which).await, []);
    assert_eq!(kit.one("select summary from projects where slug = 'b'").await, " ");
}

#[tokio::test]
async fn a_column_is_taken_back_of_one_row_or_of_all() {
    let mut kit = kit().await;
    for slug in ["a", "b"] {
        task(&mut kit, vec![project(slug, "summary")]).await;
    }
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let one = Which::read(&mut kit.connection, &words(&["public.projects", "summary", "a"])).await;
    assert_eq!(states(&mut kit, one.unwrap()).await, [State::Reverted]);
    assert_eq!(
        kit.all("select summary from projects order by slug").await,
        [json!(null), json!("the model's")]
    );
    let all = Which::read(&mut kit.connection, &words(&["projects", "summary"])).await.unwrap();
    assert_eq!(states(&mut kit, all.clone()).await, [State::Reverted]);
    assert_eq!(states(&mut kit, all).await, []);
    // What was taken back can be filled, and taken back, again.
    task(&mut kit, vec![project("a", "summary")]).await;
    let by_task = Which::read(&mut kit.connection, &words(&["0000"])).await;
    assert!(by_task.unwrap_err().report().contains("no task's id"));
}

#[tokio::test]
async fn what_cannot_be_taken_back_says_why() {
    let mut kit = kit().await;
    let skill = row("skills", json!({"name": "Go", "category": "AI"}), &["name"]);
    let task = task(&mut kit, vec![project("a", "summary"), skill]).await;
    kit.sql("delete from projects where slug = 'a';
        create table uses (skill uuid references skills (id)); insert into uses select id from skills").await;
    let states = states(&mut kit, Which::Task(task.id)).await;
    assert!(matches!(&states[0], State::Refused(why) if why.contains("foreign key")), "{states:?}");
    assert_eq!(states[1], State::Gone);
    assert_eq!(kit.one("select count(*) from enrichments where reverted_at is null").await, 2);
}
