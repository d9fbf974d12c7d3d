//! What the queue costs by itself: tasks a second where answers come at once, and a claim among few
//! and among very many rows. On a real server, the one that the tests use.
//!
//! `FRIEZE_BENCH_ROWS` sets how many rows a claim is measured among (`1000,100000`), `FRIEZE_BENCH_TASKS`
//! how many tasks four workers do together (4,000), `FRIEZE_TEST_FSYNC=on` makes the server wait for
//! its disk.

// A bench that cannot work stops.
#![allow(clippy::unwrap_used)]

#[path = "../tests/enrich_queue/kit.rs"]
#[allow(dead_code, reason = "the tests use the rest")]
mod kit;
#[path = "../tests/support/postgres.rs"]
mod postgres;

use std::env;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use frieze::config::Config;
use frieze::db::{self, Database};
use frieze::enrich::worker::{Options, drain};
use frieze::enrich::{Claimed, Effect, Failure, Perform, SharedConnection};
use tokio::runtime::{Builder, Runtime};

use kit::{Kit, effect};

const WORKERS: usize = 4;
/// As many as one worker claims at once, unless it is told otherwise.
const CLAIMED: usize = 4;

struct AtOnce;

impl Perform for AtOnce {
    async fn perform(&self, _: &Claimed, _: Instant) -> Result<Effect, Failure> {
        Ok(effect(vec![]))
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

/// Works through the queue with four connections, each on a thread of its own.
fn work_off(places: &[(Config, Database)], concurrency: usize) -> usize {
    std::thread::scope(|scope| {
        let workers: Vec<_> = places
            .iter()
            .map(|(config, database)| {
                scope.spawn(move || {
                    runtime().block_on(async {
                        let connection = database.connect().await.unwrap();
                        let shared: SharedConnection =
                            Arc::new(tokio::sync::Mutex::new(connection));
                        let options = Options { concurrency, ..Options::new(&config.enrich) };
                        let enrich = &config.enrich;
                        let done = drain(database, &shared, enrich, &AtOnce, &options, &()).await;
                        db::hang_up(Arc::into_inner(shared).unwrap().into_inner()).await;
                        done.unwrap().tasks.completed
                    })
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    })
}

/// A task's whole way: claimed, performed, recorded with the row of a call.
fn tasks(criterion: &mut Criterion) {
    let count = env::var("FRIEZE_BENCH_TASKS").map_or(4_000, |count| count.parse().unwrap());
    let runtime = runtime();
    let mut kit = runtime.block_on(Kit::new());
    let places: Vec<_> = (0..WORKERS).map(|_| runtime.block_on(kit.place())).collect();
    let mut group = criterion.benchmark_group("queue/tasks");
    group.sample_size(10).throughput(Throughput::Elements(count as u64));
    let fill = format!(
        "truncate task_queue, agent_run_logs cascade;
         insert into task_queue (task_type, target, payload, priority)
         select 'stub', 't' || n, jsonb_build_object('n', n), 1 + n % 10
         from generate_series(1, {count}) as n;
         analyze task_queue"
    );
    for concurrency in [4, 16, 64] {
        group.bench_function(format!("{WORKERS} workers, {concurrency} each"), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                for _ in 0..iterations {
                    runtime.block_on(kit.sql(&fill));
                    let begun = Instant::now();
                    assert_eq!(work_off(&places, concurrency), count);
                    took += begun.elapsed();
                }
                took
            });
        });
    }
    group.finish();
}

/// Most rows are done; of those that wait, most of the urgent ones are not due yet.
fn fill(rows: u32) -> String {
    format!(
        "truncate task_queue, agent_run_logs cascade;
         insert into task_queue (task_type, target, priority, status, scheduled_at, payload)
         select 'stub', 't' || n, case when n % 2 = 0 then 10 else 1 + n % 10 end,
            case when n % 10 < 4 then 'pending' when n % 10 = 4 then 'failed' else 'completed' end,
            case when n % 2 = 0 then now() + interval '1 day' else now() - interval '1 day' end,
            jsonb_build_object('n', n)
         from generate_series(1, {rows}) as n;
         analyze task_queue"
    )
}

fn claim(criterion: &mut Criterion) {
    let sizes = env::var("FRIEZE_BENCH_ROWS").unwrap_or_else(|_| "1000,100000".to_owned());
    let runtime = runtime();
    let mut kit = runtime.block_on(Kit::new());
    let mut group = criterion.benchmark_group("queue/claim");
    group.sample_size(20).measurement_time(Duration::from_secs(3));
    for size in sizes.split(',') {
        let rows: u32 = size.trim().parse().unwrap();
        runtime.block_on(kit.sql(&fill(rows)));
        group.bench_function(format!("{CLAIMED} of {rows}"), |bencher| {
            bencher.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                for _ in 0..iterations {
                    let begun = Instant::now();
                    let claimed = runtime.block_on(kit.claim("bench", CLAIMED));
                    took += begun.elapsed();
                    assert_eq!(claimed.len(), CLAIMED);
                    runtime.block_on(kit.sql(
                        "update task_queue set status = 'pending', attempts = 0, leased_by = null,
                            leased_until = null, started_at = null where status = 'processing'",
                    ));
                }
                took
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tasks, claim);
criterion_main!(benches);
