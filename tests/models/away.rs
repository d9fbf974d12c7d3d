//! Tasks while the database is away for a moment, and what vectors cost that were not made.

use std::time::{Duration, Instant};

use frieze::config::{Config, Overrides};
use frieze::enrich::queue::{self, Ask, NewTask};
use frieze::enrich::task::Tasks;
use frieze::enrich::{Claimed, FailureKind, Perform as _, SharedConnection};
use serde_json::json;
use uuid::Uuid;

use crate::models::{Models, Reply};
use crate::postgres::connect;
use crate::soon;
use crate::world::{GOOD, World};

const EMBED: &str = "\n[enrich.tasks.embed]\ncollection = \"projects\"\n";

/// What a worker has at hand.
struct Hand {
    world: World,
    tasks: Tasks,
    connection: SharedConnection,
}

impl Hand {
    async fn new(models: &Models, more: &str) -> Self {
        let world = World::with(models, more).await;
        let file = world.site.root.join("frieze.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(file, text + EMBED).unwrap();
        let url = world.site.database_url.clone().unwrap();
        let env = |name: &str| (name == "DATABASE_URL").then(|| url.clone());
        let config = Config::load(&world.site.root, &Overrides::default(), &env).unwrap();
        let connection = SharedConnection::new(tokio::sync::Mutex::new(connect(&url).await));
        let tasks = Tasks::new(&config, SharedConnection::clone(&connection), Uuid::new_v4());
        Self { world, tasks: tasks.unwrap(), connection }
    }

    /// A task on the only project.
    async fn task(&mut self, kind: &str) -> Claimed {
        let id = self.world.one("select id from projects").await;
        let task = NewTask { payload: json!({"id": id}), ..NewTask::new(kind) };
        queue::add(&mut self.world.connection, &task).await.unwrap();
        let (types, lease, run_id) = ([kind.to_owned()], Duration::from_mins(1), Uuid::new_v4());
        let ask = Ask { worker: "w", count: 1, lease, types: &types, except: &[], run_id };
        queue::claim(&mut self.world.connection, &ask).await.unwrap().remove(0)
    }

    /// The server ends the connection that tasks share.
    async fn lose(&mut self) {
        let sql = "select pg_backend_pid()";
        let pid: i32 =
            sqlx::query_scalar(sql).fetch_one(&mut *self.connection.lock().await).await.unwrap();
        self.world.sql(&format!("select pg_terminate_backend({pid}, 30000)")).await;
    }

    async fn connect(&self) {
        *self.connection.lock().await =
            connect(self.world.site.database_url.as_ref().unwrap()).await;
    }
}

const DESCRIBE: &str = "generate_project_description";

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_not_the_task_s_fault() {
    let models = Models::start();
    models.always(Reply::value(&json!({"description": GOOD})));
    let mut hand = Hand::new(&models, "").await;
    let task = hand.task(DESCRIBE).await;
    hand.tasks.begin().await;
    hand.lose().await;
    let failure = hand.tasks.perform(&task, soon()).await.unwrap_err();
    assert!(matches!(failure.kind, FailureKind::Unavailable(_)), "{failure:?}");
    hand.connect().await;
    hand.tasks.perform(&task, soon()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_could_not_look_at_first_looks_again() {
    let models = Models::start();
    models.always(Reply::value(&json!({"description": GOOD})));
    let mut hand = Hand::new(&models, "requests_per_day = 9").await;
    hand.world.sql("insert into provider_quotas (provider, day_requests) values ('own', 9)").await;
    let task = hand.task(DESCRIBE).await;
    hand.lose().await;
    hand.tasks.begin().await;
    hand.connect().await;
    // Of the quotas, and then of the memories.
    let failure = hand.tasks.perform(&task, soon()).await.unwrap_err();
    assert!(failure.message.contains("no requests left today"), "{failure:?}");
    let mut hand = Hand::new(&models, "").await;
    let task = hand.task(DESCRIBE).await;
    hand.lose().await;
    hand.tasks.begin().await;
    hand.connect().await;
    assert_eq!(hand.tasks.perform(&task, soon()).await.unwrap().memories.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_vector_that_failed_counts() {
    let models = Models::start();
    models.always(Reply::status(500));
    let mut hand = Hand::new(&models, "embedding_model = \"e\"").await;
    let task = hand.task("embed").await;
    hand.tasks.perform(&task, soon()).await.unwrap_err();
    let counted = "select jsonb_build_array(day_requests, failures) from provider_quotas";
    assert_eq!(hand.world.all(counted).await, [json!([1, 1])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_lost_over_the_vector_of_its_memory() {
    let models = Models::start();
    models.decide(|request| {
        let chat = || Reply::value(&json!({"description": GOOD}));
        Some(if request.is_embedding() { Reply::silence() } else { chat() })
    });
    let mut hand = Hand::new(&models, "embedding_model = \"e\"").await;
    let task = hand.task(DESCRIBE).await;
    let deadline = Instant::now() + Duration::from_secs(4);
    // As a worker does.
    let perform = tokio::time::timeout_at(deadline.into(), hand.tasks.perform(&task, deadline));
    let effect = perform.await.expect("in time").unwrap();
    assert_eq!((effect.writes.len(), effect.memories.len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_looked_up_for_a_question_that_nobody_can_be_asked() {
    let (models, vectors) = (Models::start(), Models::start());
    models.always(Reply::status(502));
    let url = vectors.openai_url();
    let also = format!(
        "\n[[enrich.providers]]\nname = \"vectors\"\nkind = \"openai\"\nbase_url = \"{url}\"\nembedding_model = \"e\""
    );
    let mut hand = Hand::new(&models, &also).await;
    let task = hand.task(DESCRIBE).await;
    for _ in 0..3 {
        let failure = hand.tasks.perform(&task, soon()).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Down(_)), "{failure:?}");
    }
    assert_eq!((models.chats().len(), vectors.embeddings().len()), (3, 3));
    // Its circuit is open. That nobody was asked is a row of the log once.
    let mut rows = Vec::new();
    for _ in 0..3 {
        let failure = hand.tasks.perform(&task, soon()).await.unwrap_err();
        assert!(matches!(failure.kind, FailureKind::Down(_)), "{failure:?}");
        rows.extend(failure.calls.into_iter().map(|call| call.provider));
    }
    assert_eq!(rows, ["none"]);
    assert_eq!((models.chats().len(), vectors.embeddings().len()), (3, 3));
}

/// Poolers in transaction mode lend a connection for one transaction.
#[tokio::test(flavor = "multi_thread")]
async fn a_search_of_memories_asks_in_transactions_only() {
    let mut world = World::new("").await;
    let name = world.one("select current_database()").await;
    let folder = world.one("select setting from pg_settings where name = 'data_directory'").await;
    world
        .sql(&format!("alter database {} set log_statement = 'all'", name.as_str().unwrap()))
        .await;
    let vector = "'[1' || repeat(',0', 1535) || ']'";
    world
        .sql(&format!(
            "insert into agent_memory (agent_id, thought_type, content, embedding, embedding_model)
        values ('a', 'observation', 'harbour', ({vector})::vector, 'frieze-lexical-1')"
        ))
        .await;
    world.run(&["memory", "search", "harbour"]);
    let log = std::path::Path::new(folder.as_str().unwrap()).with_file_name("log");
    let log = String::from_utf8_lossy(&std::fs::read(log).unwrap()).into_owned();
    // As in `2026-11-20 16:00:00 UTC [123] LOG:  execute <unnamed>: select`; more lines of it follow.
    let process = |line: &str| Some(line.split_once("] LOG: ")?.0.rsplit_once('[')?.1.to_owned());
    let writes = |line: &&str| {
        line.contains("execute") && line.contains("insert into public.agent_run_logs")
    };
    let writer = log.lines().filter(writes).find_map(process).expect("a log of the search");
    let mut is_open = false;
    for line in log.lines().filter(|line| process(line).as_ref() == Some(&writer)) {
        is_open |= line.contains("statement: BEGIN");
        assert!(is_open || !line.contains("execute"), "outside of a transaction: {line}");
        is_open &= !line.contains("statement: COMMIT") && !line.contains("statement: ROLLBACK");
    }
}
