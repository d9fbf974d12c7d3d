//! Triggers, marks and records with the rights and through the poolers of a hosted database.

use serde_json::Value;

use super::{Way, done, hosted, on, sample, says};

fn status(way: Way, database: &str) -> Value {
    let run = on(way, database).run(&["hook", "status", "--json"]);
    serde_json::from_str::<Value>(done(&run)).unwrap()["status"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_installs_it_and_builds_through_a_transaction_pooler_take_changes_in() {
    let (_, database) = sample().await;
    let refused = on(Way::Transaction, &database).run(&["hook", "install"]);
    says(&refused, 3, &["is a transaction pooler", "session pooler"]);
    let session = on(Way::Session, &database);
    let run = session.run(&["hook", "install"]);
    assert!(done(&run).starts_with("Changes of 7 tables are noted in"), "{}", run.stdout);
    let check = session.run(&["db", "check", "--strict"]);
    assert!(done(&check).ends_with("\n0 errors, 0 warnings\n"), "{}", check.stdout);

    for title in ["Once", "Twice"] {
        let edit = format!(
            "update projects set title = '{title}' where slug = 'tidebook';
             set role anon; select 1 from projects"
        );
        hosted::run(&database, &edit).await;
        let before = status(Way::Transaction, &database);
        assert_eq!(before["pending"][0]["table"], "public.projects", "{before:#}");
        assert_eq!(before["pending"].as_array().unwrap().len(), 1, "{before:#}");
        done(&on(Way::Transaction, &database).run(&["build", "--deploy"]));
        let after = status(Way::Transaction, &database);
        assert_eq!(after["pending"], serde_json::json!([]), "{after:#}");
        assert_eq!(after["builds"][0]["status"], "succeeded", "{after:#}");
    }
    let text = on(Way::Transaction, &database).run(&["status", "--url", "http://127.0.0.1:1"]);
    let text = done(&text);
    assert!(text.starts_with("Live: http://127.0.0.1:1 does not tell"), "{text}");
    assert!(
        text.contains("Pending: nothing") && text.matches("succeeded in").count() == 2,
        "{text}"
    );
    assert!(
        done(&session.run(&["hook", "remove"])).starts_with("Removed the triggers of 7 tables")
    );
    hosted::run(&database, "update projects set title = 'Thrice'").await;
}
