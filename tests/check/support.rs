//! A database with the sample site in it, a copy for each test, and what a check says of it.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use frieze::config::{Config, Overrides};
use frieze::db::migrate::{self, Migrations};
use frieze::db::seed;
use frieze::error::Result;
use frieze::pipeline::check::{Finding, Level, Report, check};

use crate::postgres::{self, cluster, connect};
use crate::site::{Run, Site};

/// A site and its database.
pub struct Bench {
    pub site: Site,
    pub url: String,
}

pub fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(work)
}

fn load(site: &Site, url: &str) -> Config {
    let env = |name: &str| (name == "DATABASE_URL").then(|| url.to_owned());
    Config::load(&site.root, &Overrides::default(), &env).unwrap()
}

/// The sample site's database, made once; nobody stays connected to it.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let url = wait(postgres::database());
        let site = Site::copy_of(".");
        let config = load(&site, &url);
        wait(async {
            let mut connection = connect(&url).await;
            let migrations = Migrations::collect(&config).unwrap();
            migrate::up(&mut connection, &migrations).await.unwrap();
            let content = seed::Content::read(&config.build.content, &config).unwrap();
            seed::sync(&mut connection, &content, seed::Mode::Push).await.unwrap();
            frieze::db::hang_up(connection).await;
        });
        url.rsplit('/').next().unwrap().to_owned()
    })
}

pub fn sample_migrations() -> Migrations {
    let site = Site::copy_of(".");
    Migrations::collect(&load(&site, "postgres://unused")).unwrap()
}

/// A copy of the template.
fn copy() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let template = template();
    let name = format!("copy_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    wait(async {
        let mut admin = connect(&cluster().url("postgres")).await;
        // The template's last connection may be on its way out.
        let create = format!("create database {name} template {template}");
        let mut tries = 0;
        while let Err(error) =
            sqlx::raw_sql(sqlx::AssertSqlSafe(create.clone())).execute(&mut admin).await
        {
            tries += 1;
            assert!(tries < 100 && error.to_string().contains("being accessed"), "{error}");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    cluster().url(&name)
}

impl Bench {
    /// The sample site, with nothing wrong.
    pub fn sample() -> Self {
        Self { site: Site::copy_of("."), url: copy() }
    }

    /// The sample site with this done to its database.
    pub fn with(sql: &str) -> Self {
        let bench = Self::sample();
        bench.sql(sql);
        bench
    }

    /// Another site, on an empty database.
    pub fn bare(config: &str) -> Self {
        let site = Site::empty();
        let head = "[site]\ntitle = \"T\"\nbase_url = \"https://t.example\"\n\n";
        site.write("frieze.toml", format!("{head}{config}"));
        Self { site, url: wait(postgres::database()) }
    }

    /// Appends to the configuration.
    pub fn configure(&self, more: &str) {
        let path = self.site.root.join("frieze.toml");
        let text = std::fs::read_to_string(path).unwrap();
        self.site.write("frieze.toml", format!("{text}\n{more}\n"));
    }

    pub fn sql(&self, sql: &str) {
        wait(async {
            let mut connection = connect(&self.url).await;
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()));
            let done = done.execute(&mut connection).await;
            done.unwrap_or_else(|error| panic!("{error}\n{sql}"));
            frieze::db::hang_up(connection).await;
        });
    }

    pub fn text(&self, sql: &str) -> String {
        wait(async {
            let mut connection = connect(&self.url).await;
            let sql = sqlx::AssertSqlSafe(sql.to_owned());
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
        })
    }

    pub fn config(&self) -> Config {
        load(&self.site, &self.url)
    }

    pub fn try_check(&self) -> Result<Report> {
        check(&self.config())
    }

    pub fn check(&self) -> Report {
        self.try_check().unwrap()
    }

    /// The program itself.
    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.site.command(arguments);
        Run::of(command.env("DATABASE_URL", &self.url).output().unwrap())
    }

    /// The one finding of this code about this subject.
    pub fn find(&self, level: Level, code: &str, subject: &str) -> Finding {
        let report = self.check();
        let found = pick(&report, code, subject);
        assert_eq!(found.len(), 1, "{code} {subject}: {}", list(&report));
        assert_eq!(found[0].level, level, "{:?}", found[0]);
        found[0].clone()
    }

    /// Finds it, runs the SQL it offers, and finds it gone.
    pub fn mends(&self, level: Level, code: &str, subject: &str) -> Finding {
        let finding = self.find(level, code, subject);
        let sql = finding.sql.as_deref().unwrap_or_else(|| panic!("no SQL in {finding:?}"));
        self.sql(sql);
        let after = self.check();
        assert!(pick(&after, code, subject).is_empty(), "still there: {}", list(&after));
        finding
    }
}

pub fn pick<'a>(report: &'a Report, code: &str, subject: &str) -> Vec<&'a Finding> {
    let findings = report.findings.iter();
    findings.filter(|one| one.code == code && one.subject == subject).collect()
}

/// The findings that are worse than a note, as `code subject`.
pub fn serious(report: &Report) -> Vec<String> {
    let findings = report.findings.iter().filter(|one| one.level != Level::Note);
    findings.map(|one| format!("{} {}", one.code, one.subject)).collect()
}

pub fn list(report: &Report) -> String {
    format!("{:#?}", report.findings)
}
