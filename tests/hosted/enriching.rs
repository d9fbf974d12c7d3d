//! The queue of tasks through a transaction pooler, on a server without pgvector.

use serde_json::{Value, json};

use super::models::{Models, Reply};
use super::{Site, Way, done, hosted, on, sample};

const JOBS: &str = "
[[enrich.providers]]
kind = \"llama\"
base_url = \"URL\"

[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
from = [\"title\", \"summary\", \"technologies\"]
";
const SAID: &str = "What a model says of a project that its owner has not written about yet.";
const TASKS: u64 = 24;

/// A site on the pooler that may ask models.
fn asking(database: &str, models: &Models) -> Site {
    let site = on(Way::Transaction, database);
    site.jobs(&JOBS.replace("URL", &models.url()));
    site
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_a_queue_through_a_transaction_pooler() {
    let (_, database) = sample().await;
    let add = format!(
        "insert into projects (title, slug, summary, technologies)
         select 'Project ' || n, 'project-' || n, 'One of many, all alike but for number ' || n, '{{Rust}}'
         from generate_series(1, {TASKS}) as n"
    );
    hosted::run(&database, &add).await;
    let models = Models::start();
    models.always(Reply::value(&json!({"description": SAID})));
    let workers: Vec<_> = (0..3)
        .map(|_| {
            let site = asking(&database, &models);
            std::thread::spawn(move || {
                let run = site.run(&["enrich", "--json", "--window", "30"]);
                let report: Value = serde_json::from_str(done(&run)).unwrap();
                report["completed"].as_u64().unwrap()
            })
        })
        .collect();
    let completed: u64 = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    assert_eq!(completed, TASKS);
    assert_eq!(models.chats().len(), 24, "nothing is asked twice");
    let site = asking(&database, &models);
    site.build();
    assert!(site.page("projects/project-7/index.html").contains(SAID));
    assert_eq!(models.chats().len(), 24, "nothing is left to ask");
}
