//! A site on a real database, with projects that lack a text, for the whole command.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use frieze::db::{self, migrate};
use frieze::enrich::SharedConnection;
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::{Mutex, OnceCell};

use crate::config::built_in;
use crate::models::Models;
use crate::postgres::{cluster, connect, run};
use crate::site::Site;

pub struct World {
    pub site: Site,
    pub connection: PgConnection,
}

pub const DESCRIBE: &str = "\n[enrich.tasks.generate_project_description]\n\
    collection = \"projects\"\ncolumn = \"description\"\nfrom = [\"title\", \"summary\"]\n";

/// A row that says less is not worth asking about.
pub const MORE: &str = ", kept by those who work there each day";

/// What a model says that does well.
pub const GOOD: &str = "Tidebook tells small harbours who arrives tonight, and where the water is.";

/// A fresh database with both kits' tables: a copy of one that is migrated once.
pub async fn database() -> String {
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let mut admin = connect(&cluster().url("postgres")).await;
    let make = async {
        let mut admin = connect(&cluster().url("postgres")).await;
        run(&mut admin, "create database world").await;
        let mut connection = connect(&cluster().url("world")).await;
        migrate::up(&mut connection, &built_in()).await.unwrap();
        db::hang_up(connection).await;
    };
    TEMPLATE.get_or_init(|| make).await;
    let name = format!("world_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    run(&mut admin, &format!("create database {name} template world")).await;
    cluster().url(&name)
}

/// A connection as tasks share one.
pub async fn shared() -> SharedConnection {
    Arc::new(Mutex::new(connect(&database().await).await))
}

impl World {
    /// With what stands in `frieze.toml` of enrichment.
    pub async fn new(enrich: &str) -> Self {
        let mut site = Site::empty();
        let url = database().await;
        site.database_url = Some(url.clone());
        let world = Self { site, connection: connect(&url).await };
        world.says(enrich);
        world
    }

    /// With one project, and one provider that may be told what to answer.
    pub async fn with(models: &Models, more: &str) -> Self {
        let provider = crate::provider("own", "llama", &models.url(), more);
        let mut world = Self::new(&format!("{provider}{DESCRIBE}")).await;
        world.project("tidebook", "A harbour book of arrivals").await;
        world
    }

    pub fn says(&self, enrich: &str) {
        let text = "[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n\n\
            [database]\nkits = [\"portfolio\"]\n\n[collections.projects]\n\n[collections.skills]\n\n";
        self.site.write("frieze.toml", format!("{text}{enrich}"));
    }

    pub async fn project(&mut self, slug: &str, summary: &str) {
        let sql = format!(
            "insert into projects (title, slug, summary) values ('{slug}', '{slug}', '{summary}{MORE}')"
        );
        self.sql(&sql).await;
    }

    pub async fn sql(&mut self, sql: &str) {
        run(&mut self.connection, sql).await;
    }

    /// What a command prints with `--json`.
    pub fn run(&self, arguments: &[&str]) -> Value {
        let mut command = self.site.command(arguments);
        for name in ["GROQ_API_KEY", "HF_TOKEN", "OWN_KEY"] {
            command.env(name, crate::KEY);
        }
        let run = crate::site::Run::of(command.arg("--json").output().unwrap());
        assert_eq!(run.code, 0, "{}\n{}", run.stdout, run.stderr);
        serde_json::from_str(&run.stdout).unwrap()
    }

    /// Works for so long that nothing is tried twice.
    pub fn enrich(&self) -> Value {
        self.run(&["enrich", "--window", "2"])
    }

    /// All that waits is due, and no provider is left alone any more.
    pub async fn later(&mut self) {
        let due = "update task_queue set scheduled_at = now() where status = 'pending'";
        self.sql(&format!("{due}; delete from provider_quotas")).await;
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
}
