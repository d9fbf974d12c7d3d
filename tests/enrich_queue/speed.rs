//! What the queue itself costs, where answers come at once.

use std::sync::Arc;
use std::time::Instant;

use frieze::enrich::worker::{Options, drain};
use frieze::enrich::{Claimed, Effect, Failure, Perform, SharedConnection};
use serde_json::json;

use crate::kit::{Kit, effect};

struct AtOnce;

impl Perform for AtOnce {
    async fn perform(&self, _: &Claimed, _: Instant) -> Result<Effect, Failure> {
        Ok(effect(vec![]))
    }
}

/// Says how many tasks a second four workers do; each logs a call.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn tasks_a_second() {
    for concurrency in [4, 16, 64] {
        let mut kit = Kit::new().await;
        kit.sql("insert into task_queue (task_type, target, payload, priority) select 'stub', 't' || n, jsonb_build_object('n', n), 1 + n % 10 from generate_series(1, 20000) as n; analyze task_queue").await;
        let begun = Instant::now();
        let mut workers = Vec::new();
        for _ in 0..4 {
            let (config, database) = kit.place().await;
            let work = async move || {
                let connection = database.connect().await.unwrap();
                let shared: SharedConnection = Arc::new(tokio::sync::Mutex::new(connection));
                let options = Options { concurrency, ..Options::new(&config.enrich) };
                let done = drain(&database, &shared, &config.enrich, &AtOnce, &options, &()).await;
                done.unwrap().tasks.completed
            };
            workers.push(std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.unwrap().block_on(work())
            }));
        }
        let mut done = 0;
        for worker in workers {
            done += worker.join().unwrap();
        }
        let rate = 20_000.0 / begun.elapsed().as_secs_f64();
        say!("4 workers, {concurrency} tasks at once each: {rate:.0} tasks a second");
        assert_eq!(done, 20_000);
        let logged = kit.one("select count(*) from agent_run_logs").await;
        assert_eq!(logged, json!(20_000));
    }
}
