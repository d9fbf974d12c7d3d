//! A database with frieze's tables for each test, and tasks in it.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use frieze::config::{Config, Overrides};
use frieze::db::migrate::{self, Migrations};
use frieze::db::{self, Database};
use frieze::enrich::queue::{self, Ask, NewTask};
use frieze::enrich::{Call, Claimed, Effect, Failure, FailureKind, Provenance, Write};
use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::OnceCell;
use uuid::Uuid;

use crate::postgres::{cluster, connect, run};

pub const LEASE: Duration = Duration::from_mins(1);

pub struct Kit {
    pub url: String,
    pub connection: PgConnection,
    pub run_id: Uuid,
}

/// A fresh database with both kits' tables: a copy of one that is migrated once.
pub async fn database() -> String {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut admin = connect(&cluster().url("postgres")).await;
    TEMPLATE
        .get_or_init(|| async {
            let mut admin = connect(&cluster().url("postgres")).await;
            run(&mut admin, "create database enriched").await;
            migrate(&cluster().url("enriched")).await;
        })
        .await;
    let name = format!("enrich_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    run(&mut admin, &format!("create database {name} template enriched")).await;
    cluster().url(&name)
}

pub async fn migrate(url: &str) {
    let dir = tempfile::tempdir().unwrap();
    let migrations = Migrations::collect(&config(dir.path(), url)).unwrap();
    let mut connection = connect(url).await;
    migrate::up(&mut connection, &migrations).await.unwrap();
    db::hang_up(connection).await;
}

pub fn config(dir: &Path, url: &str) -> Config {
    let text = "[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n\n\
                [database]\nkits = [\"portfolio\"]\n\n[collections.projects]\n";
    std::fs::write(dir.join("frieze.toml"), text).unwrap();
    let env = |name: &str| (name == "DATABASE_URL").then(|| url.to_owned());
    Config::load(dir, &Overrides::default(), &env).unwrap()
}

impl Kit {
    pub async fn new() -> Self {
        let url = database().await;
        Self { connection: connect(&url).await, url, run_id: Uuid::new_v4() }
    }

    pub async fn another(&self) -> PgConnection {
        connect(&self.url).await
    }

    /// Where workers connect, and what they are set to.
    pub async fn place(&self) -> (Config, Database) {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), &self.url);
        let database = Database::open(&config.database).await.unwrap();
        (config, database)
    }

    pub async fn sql(&mut self, sql: &str) {
        run(&mut self.connection, sql).await;
    }

    /// The result of a query, each row's first column as JSON.
    pub async fn all(&mut self, sql: &str) -> Vec<Value> {
        let sql = AssertSqlSafe(format!("select to_jsonb(x) from ({sql}) as x(x)"));
        let rows = sqlx::query(sql).fetch_all(&mut self.connection).await.unwrap();
        rows.iter().map(|row| row.get::<Option<Value>, _>(0).unwrap_or_default()).collect()
    }

    pub async fn one(&mut self, sql: &str) -> Value {
        let rows = self.all(sql).await;
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0].clone()
    }

    pub async fn add(&mut self, task: &NewTask) -> Uuid {
        queue::add(&mut self.connection, task).await.unwrap().id()
    }

    /// What a worker of this name gets.
    pub async fn claim(&mut self, worker: &str, count: usize) -> Vec<Claimed> {
        let ask = Ask { worker, count, lease: LEASE, types: &[], except: &[], run_id: self.run_id };
        queue::claim(&mut self.connection, &ask).await.unwrap()
    }

    /// A task that a worker holds.
    pub async fn claimed(&mut self) -> Claimed {
        let id = self.add(&NewTask::new("stub")).await;
        let claimed = self.claim("tester", 1).await.remove(0);
        assert_eq!(claimed.id, id);
        claimed
    }

    pub async fn status(&mut self, id: Uuid) -> Value {
        let columns =
            "jsonb_build_object('status', status, 'attempts', attempts, 'error', error_message)";
        self.one(&format!("select {columns} from task_queue where id = '{id}'")).await
    }

    /// The lease of a task ends, as it does when its worker died long ago.
    pub async fn expire(&mut self, id: Uuid) {
        let sql = "update task_queue set leased_until = now() - interval '1 second' where id = ";
        self.sql(&format!("{sql}'{id}'")).await;
    }
}

pub fn by() -> Provenance {
    Provenance { provider: "stub".into(), model: "m1".into(), prompt_hash: None }
}

pub fn call() -> Call {
    Call {
        provider: "stub".into(),
        model: "m1".into(),
        tokens_in: Some(10),
        tokens_out: Some(5),
        latency: Duration::from_millis(40),
        cost: Some(0.25),
        reason: "first in the list".into(),
        ..Call::default()
    }
}

pub fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

pub fn row(table: &str, fields: Value, unless: &[&str]) -> Write {
    let unless = unless.iter().map(|&name| name.to_owned()).collect();
    Write::Row { table: table.into(), fields: object(fields), unless, by: by() }
}

pub fn field(table: &str, key: Value, column: &str, value: Value) -> Write {
    let (table, column) = (table.into(), column.into());
    Write::Field { table, key: object(key), column, value, overwrite: false, by: by() }
}

/// An effect that shows in every table.
pub fn effect(writes: Vec<Write>) -> Effect {
    Effect { result: json!({"done": true}), writes, calls: vec![call()], ..Effect::default() }
}

pub fn failure(kind: FailureKind) -> Failure {
    Failure { calls: vec![call()], ..Failure::new(kind, "the model said no") }
}
