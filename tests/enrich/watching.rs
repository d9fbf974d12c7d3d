//! A worker that stands looks again for what is missing.

use std::sync::Arc;
use std::time::Duration;

use frieze::config::{Config, Overrides};
use frieze::db::Database;
use frieze::enrich::run;
use frieze::enrich::task::Tasks;
use frieze::enrich::worker::Options;
use serde_json::json;
use tokio::sync::Mutex;

use crate::kit::{NEAR, answer, one, small, sql};
use crate::models::Models;
use crate::site::Site;

const JOB: &str = "
[enrich.tasks.generate_project_description]
collection = \"projects\"
column = \"description\"
";

const FIRST: &str = "insert into projects (title, slug, summary) values ('Tide', 'tide',
    'A clock that tells a harbour when the water comes and goes, day and night.')";

/// Returns when so many rows have what a model wrote.
async fn filled(site: &Site, rows: u64) {
    let count = "select count(*) from projects where description is not null";
    while one(site, count).await != json!(rows) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_while_a_worker_stands_are_found() {
    let models = Models::start();
    models.decide(answer);
    let site = small(&models, &format!("{NEAR}{JOB}"), FIRST).await;
    let url = site.database_url.clone().unwrap();
    let env = |name: &str| (name == "DATABASE_URL").then(|| url.clone());
    let config = Config::load(&site.root, &Overrides::default(), &env).unwrap();
    let database = Database::open(&config.database).await.unwrap();
    let connection = Arc::new(Mutex::new(database.connect().await.unwrap()));
    let mut options = Options::new(&config.enrich);
    (options.watch, options.window) = (true, None);
    options.look_every = Duration::from_millis(50);
    let tasks = Tasks::new(&config, Arc::clone(&connection), options.run_id).unwrap();
    let stop = options.stop.clone();
    let other = async {
        filled(&site, 1).await;
        // The look at the start is over by now: it found the first.
        sql(&site, &FIRST.replace("tide", "ebb")).await;
        filled(&site, 2).await;
        stop.ask();
    };
    let work = run::run(&database, &connection, &config, &tasks, &options, &());
    let both = async { tokio::join!(work, other) };
    let (report, ()) = tokio::time::timeout(Duration::from_mins(1), Box::pin(both)).await.unwrap();
    assert_eq!(report.unwrap().tasks.completed, 2);
}
