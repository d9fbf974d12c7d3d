//! Workers killed at any moment, the server too: every task ends, and leaves what it leaves once.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use frieze::db::Database;
use frieze::enrich::worker::{Options, drain};
use frieze::enrich::{Claimed, Effect, Failure, FailureKind, Perform, SharedConnection};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::PgConnection;

use crate::effects::{self, number};
use crate::kit;
use crate::postgres::{Cluster, run};

const PROCESS: &str = "FRIEZE_TEST_WORKER";

/// Most tasks leave a row, some more; some fail once, some for good.
struct Stub;

impl Perform for Stub {
    async fn perform(&self, task: &Claimed, _deadline: Instant) -> Result<Effect, Failure> {
        tokio::time::sleep(Duration::from_millis(fastrand::u64(0..40))).await;
        let number = task.payload["n"].as_u64().unwrap();
        let failed = |kind| Failure {
            calls: vec![effects::call(task)],
            ..Failure::new(kind, "as it was told")
        };
        match number % 50 {
            0 => Err(failed(FailureKind::Final)),
            1 if task.attempts == 1 => Err(failed(FailureKind::Retry)),
            2 if fastrand::bool() => Err(failed(FailureKind::Unavailable(Duration::ZERO))),
            _ => Ok(effects::of(task, number)),
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
        writeln!(std::io::stderr(), "lost {}", report.tasks.lost).unwrap();
    });
}

fn worker(url: &str) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["crash::worker_process", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(PROCESS, url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(worker: &Child, signal: Signal) {
    let id = i32::try_from(worker.id()).unwrap();
    kill_process(Pid::from_raw(id).unwrap(), signal).unwrap();
}

const LIVE: &str = "select count(*) from task_queue where status in ('pending', 'processing')";
const ENDED: &str = "select count(*) from task_queue where status in ('completed', 'failed')";

/// A worker that is stopped in the middle of its work, and goes on when others have done that.
#[derive(Debug, PartialEq, Eq)]
enum Late {
    Works,
    Stopped,
    /// It finished tasks that were another's by then.
    IsBack,
}

/// How many tasks a process holds that it is not about to record: of those it has locked the rows.
async fn held(connection: &mut PgConnection, worker: &Child) -> i64 {
    let mine = "select count(*) from (select from task_queue
        where status = 'processing' and leased_by like $1 for update skip locked) as held";
    let held = sqlx::query_scalar(mine).bind(format!("%-{}-%", worker.id()));
    held.persistent(false).fetch_one(connection).await.unwrap()
}

async fn leases(connection: &mut PgConnection, worker: &Child) -> i64 {
    let all = "select count(*) from task_queue where status = 'processing' and leased_by like $1";
    let all = sqlx::query_scalar(all).bind(format!("%-{}-%", worker.id()));
    all.persistent(false).fetch_one(connection).await.unwrap()
}

impl Late {
    async fn turn(&mut self, connection: &mut PgConnection, worker: &Child) {
        match self {
            Self::Works if held(connection, worker).await > 0 => {
                signal(worker, Signal::STOP);
                // It may have finished them in this very moment.
                let all = leases(connection, worker).await;
                if all > 0 && held(connection, worker).await == all {
                    *self = Self::Stopped;
                } else {
                    signal(worker, Signal::CONT);
                }
            }
            Self::Stopped if leases(connection, worker).await == 0 => {
                signal(worker, Signal::CONT);
                *self = Self::IsBack;
            }
            _ => {}
        }
    }
}

async fn all_end_once(tasks: i64, processes: usize) {
    let cluster = Cluster::start().unwrap();
    let url = cluster.url("postgres");
    kit::migrate(&url).await;
    let mut connection = crate::postgres::connect(&url).await;
    run(&mut connection, effects::COUNTED).await;
    run(
        &mut connection,
        &format!(
            "insert into items select n from generate_series(1, {tasks}) as n;
             insert into task_queue (task_type, target, payload, priority, max_attempts)
             select 'stub', 't' || n, jsonb_build_object('n', n), 1 + n % 10, 100
             from generate_series(1, {tasks}) as n"
        ),
    )
    .await;

    let begun = Instant::now();
    // The first is never killed.
    let mut workers: Vec<Child> = (0..processes).map(|_| worker(&url)).collect();
    let (mut kills, mut has_crashed, mut late) = (0, false, Late::Works);
    loop {
        let ended = number(&mut connection, ENDED).await;
        if ended >= tasks * 9 / 10 && has_crashed && kills >= 2 * processes && late == Late::IsBack
        {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_mins(2),
            "{ended} of {tasks} have ended, {late:?}"
        );
        if ended >= tasks / 10 {
            late.turn(&mut connection, &workers[0]).await;
        }
        if ended >= tasks / 2 && !has_crashed && late == Late::IsBack {
            cluster.crash();
            connection = again(&url).await;
            has_crashed = true;
        }
        tokio::time::sleep(Duration::from_millis(fastrand::u64(50..300))).await;
        if kills < 8 * processes {
            let killed = fastrand::usize(1..workers.len());
            workers[killed].kill().unwrap();
            workers[killed].wait().unwrap();
            workers[killed] = worker(&url);
            kills += 1;
        }
    }
    while number(&mut connection, LIVE).await > 0 {
        assert!(begun.elapsed() < Duration::from_mins(10), "some tasks are stuck");
        // Nobody has the time to wait for the backoff.
        run(&mut connection, "update task_queue set scheduled_at = now() where status = 'pending' and scheduled_at > now()").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let lost = end(workers);
    say!(
        "{tasks} tasks, {processes} processes, {kills} kills, one crash of the server, {lost} late: {seconds:.1} s"
    );
    assert!(lost > 0, "no finish came late");

    let expected = tasks / 50;
    let failed = "select count(*) from task_queue where status = 'failed' and error_message = 'as it was told'";
    assert_eq!(number(&mut connection, failed).await, expected);
    let completed = "select count(*) from task_queue where status = 'completed'";
    assert_eq!(number(&mut connection, completed).await, tasks - expected);
    effects::are_there_once(&mut connection, tasks - expected, tasks / 10, expected).await;
    let again =
        "select count(*) from task_queue where attempts > 1 and (payload -> 'n')::int % 50 > 1";
    let again = number(&mut connection, again).await;
    say!("{again} tasks were rescued");
    assert!(again > lost, "no worker was killed at work");
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

/// Asked politely, workers end well; how often the first was late.
fn end(mut workers: Vec<Child>) -> i64 {
    for worker in &workers {
        signal(worker, Signal::TERM);
    }
    let mut said = String::new();
    workers[0].stderr.take().unwrap().read_to_string(&mut said).unwrap();
    for mut worker in workers {
        assert!(worker.wait().unwrap().success());
    }
    let lost = said.lines().find_map(|line| line.strip_prefix("lost "));
    lost.unwrap_or_else(|| panic!("{said}")).parse().unwrap()
}

#[tokio::test]
async fn every_task_ends_and_what_it_leaves_is_there_once() {
    all_end_once(10_000, 8).await;
}
