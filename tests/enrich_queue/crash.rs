//! Workers killed at any moment, the server too: every task ends, and leaves what it leaves once.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frieze::db::Database;
use frieze::enrich::worker::{Options, drain};
use frieze::enrich::{Claimed, Effect, Failure, FailureKind, Perform, SharedConnection};
use serde_json::json;
use sqlx::PgConnection;

use crate::kit::{self, call, effect, row};
use crate::postgres::{Cluster, run};

const PROCESS: &str = "FRIEZE_TEST_WORKER";

/// Most tasks leave a row; some fail once, some for good.
struct Stub;

impl Perform for Stub {
    async fn perform(&self, task: &Claimed, _deadline: Instant) -> Result<Effect, Failure> {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..60))).await;
        let number = task.payload["n"].as_u64().unwrap();
        let failed = |kind| Failure { calls: vec![call()], ..Failure::new(kind, "as it was told") };
        match number % 50 {
            0 => Err(failed(FailureKind::Final)),
            1 if task.attempts == 1 => Err(failed(FailureKind::Retry)),
            2 if fastrand::bool() => Err(failed(FailureKind::Unavailable(Duration::ZERO))),
            _ => Ok(effect(vec![row("done", json!({"task_id": task.id}), &[])])),
        }
    }
}

/// Not a test: what the test starts this program again for.
#[test]
fn worker_process() {
    let Ok(url) = std::env::var(PROCESS) else { return };
    let runtime = frieze::db::runtime().unwrap();
    runtime.block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let mut config = kit::config(dir.path(), &url);
        config.enrich.lease = Duration::from_secs(2);
        config.database.patience = Duration::from_secs(30);
        let database = Database::open(&config.database).await.unwrap();
        let connection = database.connect().await.unwrap();
        let shared: SharedConnection = Arc::new(tokio::sync::Mutex::new(connection));
        let mut options = Options::new(&config.enrich);
        (options.window, options.watch, options.concurrency) = (None, true, 8);
        options.stop.at_signals();
        let report = drain(&database, &shared, &config.enrich, &Stub, &options, &()).await;
        let report = report.unwrap();
        writeln!(std::io::stderr(), "{:?} rescued {}", report.tasks, report.rescued).unwrap();
    });
}

fn worker(url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crash::worker_process", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROCESS, url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).persistent(false).fetch_one(connection).await.unwrap()
}

const LIVE: &str = "select count(*) from task_queue where status in ('pending', 'processing')";
const ENDED: &str = "select count(*) from task_queue where status in ('completed', 'failed')";

async fn all_end_once(tasks: i64, processes: usize) {
    let cluster = Cluster::start().unwrap();
    let url = cluster.url("postgres");
    kit::migrate(&url).await;
    let mut connection = crate::postgres::connect(&url).await;
    run(
        &mut connection,
        &format!(
            "create table done (task_id uuid);
         insert into task_queue (task_type, target, payload, priority, max_attempts)
         select 'stub', 't' || n, jsonb_build_object('n', n), 1 + n % 10, 100
         from generate_series(1, {tasks}) as n"
        ),
    )
    .await;

    let begun = Instant::now();
    let mut workers: Vec<Child> = (0..processes).map(|_| worker(&url)).collect();
    let (mut kills, mut has_crashed) = (0, false);
    loop {
        let ended = number(&mut connection, ENDED).await;
        if ended >= tasks * 9 / 10 && has_crashed && kills >= 2 * processes {
            break;
        }
        assert!(begun.elapsed() < Duration::from_mins(5), "{ended} of {tasks} have ended");
        if ended >= tasks / 3 && !has_crashed {
            cluster.crash();
            connection = again(&url).await;
            has_crashed = true;
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(20..250))).await;
        let killed = fastrand::usize(..workers.len());
        workers[killed].kill().unwrap();
        workers[killed].wait().unwrap();
        workers[killed] = worker(&url);
        kills += 1;
    }
    while number(&mut connection, LIVE).await > 0 {
        assert!(begun.elapsed() < Duration::from_mins(10), "some tasks are stuck");
        // Nobody has the time to wait for the backoff.
        run(&mut connection, "update task_queue set scheduled_at = now() where status = 'pending' and scheduled_at > now()").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    end(workers);
    say!(
        "{tasks} tasks, {processes} processes, {kills} kills, one crash of the server: {seconds:.1} s"
    );

    let expected = tasks / 50;
    let failed = "select count(*) from task_queue where status = 'failed' and error_message = 'as it was told'";
    assert_eq!(number(&mut connection, failed).await, expected);
    let completed =
        "select count(*) from task_queue where status = 'completed' and leased_by is null";
    assert_eq!(number(&mut connection, completed).await, tasks - expected);
    for (what, once) in [
        (
            "rows",
            "select count(*) from (select task_id from done group by task_id having count(*) > 1) as x",
        ),
        (
            "rows without a task",
            "select count(*) from done where task_id not in (select id from task_queue where status = 'completed')",
        ),
        (
            "calls",
            "select count(*) from (select task_id from agent_run_logs as l join task_queue as t on t.id = l.task_id where t.status = 'completed' and (payload -> 'n')::int % 50 > 2 group by task_id having count(*) > 1) as x",
        ),
        ("calls without a task", "select count(*) from agent_run_logs where task_id is null"),
    ] {
        assert_eq!(number(&mut connection, once).await, 0, "{what}");
    }
    assert_eq!(number(&mut connection, "select count(*) from done").await, tasks - expected);
    assert_eq!(number(&mut connection, "select count(*) from enrichments").await, tasks - expected);
    let again =
        "select count(*) from task_queue where attempts > 1 and (payload -> 'n')::int % 50 > 1";
    let again = number(&mut connection, again).await;
    say!("{again} tasks were rescued");
    assert!(again > 0, "no worker was killed at work");
}

async fn again(url: &str) -> PgConnection {
    use sqlx::Connection as _;
    let begun = Instant::now();
    loop {
        // The old server may answer a moment longer.
        tokio::time::sleep(Duration::from_millis(200)).await;
        match PgConnection::connect(url).await {
            Ok(connection) => return connection,
            Err(error) => assert!(begun.elapsed() < Duration::from_mins(1), "{error}"),
        }
    }
}

/// Asked politely, workers end well.
fn end(workers: Vec<Child>) {
    for worker in &workers {
        let id = i32::try_from(worker.id()).unwrap();
        let pid = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
}

#[tokio::test]
async fn every_task_ends_and_what_it_leaves_is_there_once() {
    all_end_once(2_000, 4).await;
}

#[tokio::test]
#[ignore = "a minute or more: run it when workers change"]
async fn every_one_of_ten_thousand_tasks_ends_once() {
    all_end_once(10_000, 8).await;
}
