//! Workers: how many tasks at once, for how long, and what they survive.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use frieze::enrich::queue::NewTask;
use frieze::enrich::worker::{Options, Report, drain};
use frieze::enrich::{Claimed, Effect, Failure, FailureKind, Perform, SharedConnection};
use serde_json::{Value, json};

use crate::kit::{Kit, effect};

/// Does what the payload's `do` says.
#[derive(Default)]
struct Stub {
    running: AtomicUsize,
    most: AtomicUsize,
    attempts: Mutex<HashMap<String, usize>>,
    connection: Option<SharedConnection>,
    begun: tokio::sync::Notify,
    /// Lets go of those that wait at the gate.
    gate: tokio::sync::Notify,
}

impl Perform for Stub {
    async fn perform(&self, task: &Claimed, deadline: Instant) -> Result<Effect, Failure> {
        self.most.fetch_max(self.running.fetch_add(1, SeqCst) + 1, SeqCst);
        self.begun.notify_one();
        let done = self.act(task, deadline).await;
        self.running.fetch_sub(1, SeqCst);
        done
    }
}

impl Stub {
    async fn act(&self, task: &Claimed, deadline: Instant) -> Result<Effect, Failure> {
        let word = task.payload["do"].as_str().unwrap_or_default();
        match word {
            "panic" => panic!("as it was told"),
            "gate" => self.gate.notified().await,
            "down" => {
                let down = FailureKind::Down(Duration::from_mins(1));
                return Err(Failure::new(down, "nobody is there"));
            }
            "hang" => std::future::pending().await,
            "deadline" => {
                let seconds = deadline.saturating_duration_since(Instant::now()).as_secs_f64();
                return Ok(Effect { result: json!(seconds), ..Effect::default() });
            }
            "database" => {
                let mut connection = self.connection.as_ref().unwrap().lock().await;
                sqlx::query("select pg_sleep(0.05)").execute(&mut *connection).await.unwrap();
            }
            "pause" => tokio::time::sleep(Duration::from_millis(50)).await,
            "refused" => {
                let write = crate::kit::row("skills", json!({"name": "x", "category": "y"}), &[]);
                return Ok(effect(vec![write]));
            }
            "final" => return Err(Failure::new(FailureKind::Final, "never")),
            "wait" => {
                let mut attempts = self.attempts.lock().unwrap();
                let count = attempts.entry(task.id.to_string()).or_default();
                *count += 1;
                if *count == 1 {
                    let soon = FailureKind::Unavailable(Duration::from_millis(100));
                    return Err(Failure::new(soon, "wait a little"));
                }
            }
            _ => {}
        }
        Ok(effect(vec![]))
    }
}

async fn add(kit: &mut Kit, word: &str, count: usize) {
    for _ in 0..count {
        let payload = json!({"do": word});
        kit.add(&NewTask { payload, ..NewTask::new("stub") }).await;
    }
}

fn options(window: u64) -> impl FnOnce(Options) -> Options {
    move |options| options.within(Duration::from_secs(window))
}

/// Works the queue through with a stub.
async fn work(
    kit: &mut Kit,
    stub: &mut Stub,
    lease: u64,
    change: impl FnOnce(Options) -> Options,
) -> Report {
    let (mut config, database) = kit.place().await;
    config.enrich.lease = Duration::from_secs(lease);
    let connection = database.connect().await.unwrap();
    let shared: SharedConnection = Arc::new(tokio::sync::Mutex::new(connection));
    stub.connection = Some(SharedConnection::clone(&shared));
    let options = change(Options::new(&config.enrich));
    drain(&database, &shared, &config.enrich, stub, &options, &()).await.unwrap()
}

async fn statuses(kit: &mut Kit) -> Value {
    kit.one("select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from task_queue group by status) as s").await
}

#[tokio::test]
async fn a_queue_is_worked_through_so_many_at_once() {
    let mut kit = Kit::new().await;
    add(&mut kit, "pause", 30).await;
    let mut stub = Stub::default();
    let report = work(&mut kit, &mut stub, 60, |it| Options { concurrency: 6, ..it }).await;
    assert_eq!(report.tasks.completed, 30);
    assert_eq!(stub.most.load(SeqCst), 6);
    assert_eq!((report.calls.made, report.calls.tokens_in, report.due), (30, 300, 0));
    assert_eq!(report.calls.cost, Some(7.5));
    assert_eq!(statuses(&mut kit).await, json!({"completed": 30}));
    assert_eq!(kit.one("select count(distinct session_id) from agent_run_logs").await, 1);
}

#[tokio::test]
async fn an_empty_queue_is_done_at_once() {
    let mut kit = Kit::new().await;
    kit.sql(
        "insert into task_queue (task_type, scheduled_at) values ('stub', now() + interval '1 h')",
    )
    .await;
    let begun = Instant::now();
    let report = work(&mut kit, &mut Stub::default(), 60, options(600)).await;
    assert_eq!((report.tasks.all(), report.due, report.later), (0, 0, 1));
    assert!(begun.elapsed() < Duration::from_mins(1), "it waited for its window");
}

#[tokio::test]
async fn tasks_that_use_the_workers_connection_do_not_stop_it() {
    let mut kit = Kit::new().await;
    add(&mut kit, "database", 10).await;
    add(&mut kit, "pause", 10).await;
    let report = work(&mut kit, &mut Stub::default(), 60, |it| it).await;
    assert_eq!(report.tasks.completed, 20);
}

#[tokio::test]
async fn a_task_that_panics_hangs_or_writes_nonsense_is_a_failed_attempt() {
    let mut kit = Kit::new().await;
    for word in ["panic", "hang", "refused", "final", "well"] {
        add(&mut kit, word, 1).await;
    }
    let report = work(&mut kit, &mut Stub::default(), 1, options(2)).await;
    assert_eq!((report.tasks.completed, report.tasks.failed, report.tasks.retried), (1, 1, 3));
    let said = kit.all("select array[payload ->> 'do', status, attempts::text, error_message] from task_queue order by 1").await;
    let said: Vec<String> = said.iter().map(Value::to_string).collect();
    for (line, expected) in said.iter().zip([
        r#"["final","failed","1","never"]"#,
        r#"["hang","pending","1","it took longer than 0.8 s"]"#,
        r#"["panic","pending","1","the work on it broke off"]"#,
        r#"["refused","pending","1","the database refused it: "#,
        r#"["well","completed","1",null]"#,
    ]) {
        assert!(line.starts_with(expected), "{line}");
    }
    // The calls of what could not be recorded were made all the same.
    assert_eq!(kit.one("select count(*) from agent_run_logs").await, 2);
    assert_eq!(report.problems.len(), 4);
}

#[tokio::test]
async fn a_task_knows_its_time_which_ends_before_the_lease_and_the_window() {
    let mut kit = Kit::new().await;
    add(&mut kit, "deadline", 1).await;
    work(&mut kit, &mut Stub::default(), 100, options(600)).await;
    add(&mut kit, "deadline", 1).await;
    work(&mut kit, &mut Stub::default(), 100, options(40)).await;
    let seconds = kit.all("select result from task_queue order by completed_at").await;
    let seconds: Vec<f64> = seconds.iter().map(|it| it.as_f64().unwrap()).collect();
    assert!((60.0..=80.0).contains(&seconds[0]), "{seconds:?}");
    assert!((40.0..=60.0).contains(&seconds[1]), "{seconds:?}");
}

#[tokio::test]
async fn what_waits_for_a_moment_is_done_within_the_window() {
    let mut kit = Kit::new().await;
    add(&mut kit, "wait", 3).await;
    let report = work(&mut kit, &mut Stub::default(), 60, |it| it).await;
    assert_eq!((report.tasks.put_back, report.tasks.completed), (3, 3));
    assert_eq!(kit.all("select distinct attempts from task_queue").await, [json!(1)]);
}

#[tokio::test]
async fn at_the_end_of_the_window_what_runs_is_put_back_unharmed() {
    let mut kit = Kit::new().await;
    add(&mut kit, "hang", 6).await;
    let begun = Instant::now();
    let report = work(&mut kit, &mut Stub::default(), 600, options(1)).await;
    assert_eq!((report.tasks.put_back, report.due), (4, 6));
    assert!(begun.elapsed() >= Duration::from_millis(1500), "it gave them no time");
    assert_eq!(statuses(&mut kit).await, json!({"pending": 6}));
    assert_eq!(kit.all("select distinct attempts from task_queue").await, [json!(0)]);
}

#[tokio::test]
async fn near_the_end_of_the_window_nothing_is_begun_and_nothing_waited_for() {
    let mut kit = Kit::new().await;
    add(&mut kit, "pause", 200).await;
    let one =
        |options: Options| Options { concurrency: 1, ..options.within(Duration::from_secs(4)) };
    let report = work(&mut kit, &mut Stub::default(), 60, one).await;
    assert!(report.tasks.completed > 0 && report.due > 0, "{report:?}");
    assert_eq!((report.tasks.put_back, report.tasks.all()), (0, report.tasks.completed));
    assert!((3.5..5.5).contains(&report.seconds), "{}", report.seconds);
}

#[tokio::test]
async fn a_worker_that_stands_takes_what_comes_until_it_is_asked_to_stop() {
    let mut kit = Kit::new().await;
    let mut adding = kit.another().await;
    let stub = Stub::default();
    let (config, database) = kit.place().await;
    let connection = database.connect().await.unwrap();
    let shared: SharedConnection = Arc::new(tokio::sync::Mutex::new(connection));
    let mut options = Options::new(&config.enrich);
    (options.window, options.watch, options.grace) = (None, true, Duration::from_millis(200));
    let worker = drain(&database, &shared, &config.enrich, &stub, &options, &());
    let person = async {
        for word in ["well", "well", "hang"] {
            let payload = json!({"do": word});
            let task = NewTask { payload, ..NewTask::new("stub") };
            frieze::enrich::queue::add(&mut adding, &task).await.unwrap();
            stub.begun.notified().await;
        }
        options.stop.ask();
    };
    let (report, ()) = tokio::join!(worker, person);
    let report = report.unwrap();
    assert_eq!((report.tasks.completed, report.tasks.put_back), (2, 1));
    assert_eq!(statuses(&mut kit).await, json!({"completed": 2, "pending": 1}));
}

#[tokio::test]
async fn a_worker_rescues_what_others_left_lying() {
    let mut kit = Kit::new().await;
    let task = kit.claimed().await;
    kit.expire(task.id).await;
    let report = work(&mut kit, &mut Stub::default(), 60, options(30)).await;
    assert_eq!((report.rescued, report.later), (1, 1));
}

#[tokio::test]
async fn a_connection_that_is_lost_is_taken_up_again() {
    let mut kit = Kit::new().await;
    add(&mut kit, "pause", 40).await;
    let mut admin = kit.another().await;
    let stub = Stub::default();
    let (config, database) = kit.place().await;
    let connection = database.connect().await.unwrap();
    let shared: SharedConnection = Arc::new(tokio::sync::Mutex::new(connection));
    let options = Options::new(&config.enrich);
    let worker = drain(&database, &shared, &config.enrich, &stub, &options, &());
    let killer = async {
        for _ in 0..3 {
            stub.begun.notified().await;
            tokio::time::sleep(Duration::from_millis(20)).await;
            crate::postgres::run(&mut admin, "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'frieze'").await;
        }
    };
    let (report, ()) = tokio::join!(worker, killer);
    let report = report.unwrap();
    // A finish whose answer was lost counts as lost: it was recorded once all the same.
    assert!(report.tasks.completed + report.tasks.lost >= 36, "{report:?}");
    let logged = "select count(*) = count(distinct task_id) and count(*) = (select count(*) from task_queue where status = 'completed') from agent_run_logs";
    assert_eq!(kit.one(logged).await, true);
}

#[tokio::test]
async fn a_payload_that_nothing_but_postgres_can_read_is_its_own_task_s_end() {
    let mut kit = Kit::new().await;
    kit.sql(
        "insert into task_queue (task_type, priority, payload) values
        ('stub', 9, '{\"id\": 1e400}'),
        ('stub', 8, ('{\"id\": ' || repeat('[', 200) || repeat(']', 200) || '}')::jsonb)",
    )
    .await;
    add(&mut kit, "well", 1).await;
    let due = frieze::enrich::queue::due(&mut kit.connection, &[], 9).await.unwrap();
    assert_eq!(due.iter().filter(|task| task.unreadable.is_some()).count(), 2);
    let report = work(&mut kit, &mut Stub::default(), 60, options(30)).await;
    assert_eq!((report.tasks.completed, report.tasks.failed), (1, 2), "{report:?}");
    let said = kit
        .all("select error_message from task_queue where status = 'failed' order by priority")
        .await;
    for (said, why) in said.iter().zip(["recursion limit exceeded", "number out of range"]) {
        let said = said.as_str().unwrap();
        assert!(said.starts_with("the payload cannot be read: ") && said.contains(why), "{said}");
    }
    let shown = frieze::enrich::queue::show(&mut kit.connection, due[0].id).await.unwrap();
    assert!(shown.payload.as_str().unwrap().starts_with("{\"id\": 1000"), "{}", shown.payload);
}

#[tokio::test]
async fn nothing_is_claimed_that_nobody_can_be_asked_about() {
    let mut kit = Kit::new().await;
    add(&mut kit, "down", 50).await;
    for job in ["other", "other", "other"] {
        let payload = json!({"do": "well", "job": job});
        kit.add(&NewTask { payload, priority: 1, ..NewTask::new("stub") }).await;
    }
    let few = |it: Options| Options { concurrency: 2, ..it };
    let report = work(&mut kit, &mut Stub::default(), 60, few).await;
    // Those that were at hand when the first came back; tasks of another job went on.
    assert!((1..=3).contains(&report.tasks.put_back), "{report:?}");
    assert_eq!(report.tasks.completed, 3);
    assert_eq!(report.due + report.later, 50);
}

#[tokio::test]
async fn an_error_that_ends_a_run_gives_back_what_it_held() {
    let mut kit = Kit::new().await;
    add(&mut kit, "hang", 2).await;
    add(&mut kit, "well", 2).await;
    kit.sql(
        "create function away() returns trigger language plpgsql as
        $$ begin raise 'away' using errcode = '57P01'; end $$;
        create trigger away before insert on agent_run_logs for each row execute function away()",
    )
    .await;
    let (config, database) = kit.place().await;
    let shared = Arc::new(tokio::sync::Mutex::new(database.connect().await.unwrap()));
    let (stub, options) = (Stub::default(), Options::new(&config.enrich));
    let done = drain(&database, &shared, &config.enrich, &stub, &options, &()).await;
    assert!(done.unwrap_err().report().contains("away"));
    assert_eq!(statuses(&mut kit).await, json!({"pending": 4}));
    assert_eq!(kit.all("select distinct attempts from task_queue").await, [json!(0)]);
}

#[tokio::test]
async fn what_was_done_when_the_time_was_up_is_recorded() {
    let mut kit = Kit::new().await;
    add(&mut kit, "well", 1).await;
    add(&mut kit, "gate", 1).await;
    let (mut holder, mut watcher) = (kit.another().await, kit.another().await);
    let (config, database) = kit.place().await;
    let shared = Arc::new(tokio::sync::Mutex::new(database.connect().await.unwrap()));
    let (stub, mut options) = (Stub::default(), Options::new(&config.enrich));
    options.concurrency = 2;
    crate::postgres::run(&mut holder, "begin; lock table agent_run_logs in access exclusive mode")
        .await;
    let worker = drain(&database, &shared, &config.enrich, &stub, &options, &());
    let other = async {
        // The first is being recorded; meanwhile the second ends, and so does the time.
        let waits = "select exists (select from pg_locks where not granted and database =
            (select oid from pg_database where datname = current_database()))";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut watcher).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stub.gate.notify_one();
        while stub.running.load(SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        options.stop.ask();
        options.stop.ask();
        crate::postgres::run(&mut holder, "commit").await;
    };
    let (report, ()) = tokio::join!(worker, other);
    let report = report.unwrap();
    assert_eq!((report.tasks.completed, report.tasks.put_back), (2, 0), "{report:?}");
}

#[tokio::test]
async fn a_window_begins_with_what_came_before_the_work() {
    let mut kit = Kit::new().await;
    add(&mut kit, "well", 3).await;
    let late = |it: Options| {
        let begun = Instant::now().checked_sub(Duration::from_secs(29));
        Options { begun, ..it.within(Duration::from_secs(30)) }
    };
    let report = work(&mut kit, &mut Stub::default(), 60, late).await;
    assert_eq!((report.tasks.all(), report.due), (0, 3), "{report:?}");
}
