//! A site's folder, a database with a few tables of its own, and a connection to it.

use std::fs;
use std::path::Path;

use frieze::config::{Config, Overrides};
use frieze::db::seed::{Content, Held, Mode, Report, Touched, sync};
use frieze::error::{Error, Result};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;

const SITE: &str = r#"
[site]
title = "Test"
base_url = "https://example.com"
[collections.posts]
table = "posts"
markdown = ["body"]
"#;

const TABLES: &str = include_str!("tables.sql");

/// The migration that makes `seed_state`.
const BOOKKEEPING: &str = include_str!("../../migrations/20260101000400_bookkeeping.up.sql");

pub struct Site {
    dir: TempDir,
    pub conn: PgConnection,
    // Dropped last: the server goes when the site goes.
    _server: server::Server,
}

impl Site {
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("frieze.toml"), SITE).unwrap();
        let (server, url) = server::start().await;
        let mut conn = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(seed_state()).execute(&mut conn).await.unwrap();
        sqlx::raw_sql(TABLES).execute(&mut conn).await.unwrap();
        Self { dir, conn, _server: server }
    }

    pub fn write(&self, file: &str, text: &str) -> &Self {
        let path = self.dir.path().join("content").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn remove(&self, file: &str) -> &Self {
        fs::remove_file(self.dir.path().join("content").join(file)).unwrap();
        self
    }

    pub async fn sync(&mut self, mode: Mode) -> Result<Report> {
        let config = Config::load(self.dir.path(), &Overrides::default(), &|_| None)?;
        let content = Content::read(&self.dir.path().join("content"), &config)?;
        sync(&mut self.conn, &content, mode).await
    }

    pub fn config(&self) -> Config {
        Config::load(self.dir.path(), &Overrides::default(), &|_| None).unwrap()
    }

    /// Everything, to be kept up with from here on.
    pub async fn held(&mut self) -> Held {
        let config = self.config();
        Held::load(&mut self.conn, &config).await.unwrap()
    }

    /// Takes files; what became of the database, and why not all of it.
    pub async fn touch(&mut self, held: &mut Held, files: &[&str]) -> (Touched, Option<String>) {
        let config = self.config();
        let files: Vec<String> = files.iter().map(|&file| file.to_owned()).collect();
        let mut touched = Touched::default();
        let ended = held.touch(&mut self.conn, &config, &files, &mut touched).await;
        let prefix = prefix(self.dir.path());
        (touched, ended.err().map(|error| error.report().replace(&prefix, "")))
    }

    pub async fn mirror(&mut self) -> Report {
        self.sync(Mode::Mirror).await.unwrap()
    }

    pub async fn push(&mut self) -> Report {
        self.sync(Mode::Push).await.unwrap()
    }

    /// The report of a sync that must fail, paths from `content/` on.
    pub async fn refused(&mut self) -> String {
        let error: Error = self.sync(Mode::Mirror).await.unwrap_err();
        let report = error.report().replace(&prefix(self.dir.path()), "");
        assert_eq!(error.kind(), frieze::error::Kind::Content, "{report}");
        report
    }

    /// One value as text; `null` for none.
    pub async fn value(&mut self, sql: &'static str) -> String {
        let value: Option<String> =
            sqlx::query_scalar(sql).fetch_one(&mut self.conn).await.unwrap();
        value.unwrap_or_else(|| "null".to_owned())
    }

    pub async fn run(&mut self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.conn).await.unwrap();
    }
}

fn seed_state() -> &'static str {
    let begin = BOOKKEEPING.find("create table if not exists public.seed_state").unwrap();
    let length = BOOKKEEPING[begin..].find(';').unwrap();
    &BOOKKEEPING[begin..begin + length]
}

fn prefix(dir: &Path) -> String {
    format!("{}/", dir.display())
}

/// `(inserted, updated, unchanged, deleted)` of all tables.
pub fn counts(report: &Report) -> (u64, u64, u64, u64) {
    let total = report.total();
    (total.inserted, total.updated, total.unchanged, total.deleted)
}

#[cfg(feature = "embedded")]
mod server {
    use pglite_oxide::PgliteServer;

    /// Either the embedded server of one test, or a server that is there anyway.
    pub struct Server {
        _embedded: Option<PgliteServer>,
    }

    pub async fn start() -> (Server, String) {
        if let Some(url) = super::own_database().await {
            return (Server { _embedded: None }, url);
        }
        let server = PgliteServer::temporary_tcp().unwrap();
        let url = server.database_url();
        (Server { _embedded: Some(server) }, url)
    }
}

#[cfg(not(feature = "embedded"))]
mod server {
    pub struct Server;

    pub async fn start() -> (Server, String) {
        let url = super::own_database().await;
        (Server, url.expect("set FRIEZE_TEST_DATABASE_URL to a server that may create databases"))
    }
}

/// A new database on the server the environment names, if it names one.
async fn own_database() -> Option<String> {
    let url = std::env::var("FRIEZE_TEST_DATABASE_URL").ok()?;
    let name = format!("frieze_seed_{}", uuid::Uuid::new_v4().simple());
    let mut conn = PgConnection::connect(&url).await.unwrap();
    let sql = format!("create database {name}");
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await.unwrap();
    let mut url = url::Url::parse(&url).unwrap();
    url.set_path(&name);
    Some(url.to_string())
}
