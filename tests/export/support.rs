//! A site's folder and a migrated database of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;

use frieze::config::{Config, Overrides};
use frieze::db::export::{Options, Report, Stray, plan};
use frieze::db::migrate::{self, Migrations};
use frieze::db::seed::{self, Content, Mode, sync};
use frieze::error::Result;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::postgres;
use crate::site::{Site, tree};

pub struct Place {
    pub site: Site,
    pub conn: PgConnection,
}

impl Place {
    /// A site of this repository on an empty, migrated database.
    pub async fn copy_of(source: &str) -> Self {
        Self::with(Site::copy_of(source)).await
    }

    /// A site with a configuration and nothing else.
    pub async fn small(collections: &str) -> Self {
        let site = Site::empty();
        let config =
            "[site]\ntitle = \"Test\"\nbase_url = \"https://example.com\"\n[database]\nkits = []\n";
        site.write("frieze.toml", format!("{config}{collections}"));
        Self::with(site).await
    }

    /// The same files on another database: what a restore is.
    pub async fn restored(&self) -> Self {
        let site = Site::empty();
        for (name, bytes) in tree(&self.site.root) {
            if !name.starts_with("dist") && !name.starts_with('.') {
                site.write(&name, bytes);
            }
        }
        Self::with(site).await
    }

    async fn with(mut site: Site) -> Self {
        let url = postgres::database().await;
        let mut conn = postgres::connect(&url).await;
        site.database_url = Some(url);
        let config = Config::load(&site.root, &Overrides::default(), &|_| None).unwrap();
        migrate::up(&mut conn, &Migrations::collect(&config).unwrap()).await.unwrap();
        Self { site, conn }
    }

    pub fn config(&self) -> Config {
        Config::load(&self.site.root, &Overrides::default(), &|_| None).unwrap()
    }

    pub async fn run(&mut self, sql: &str) {
        postgres::run(&mut self.conn, sql).await;
    }

    pub async fn value(&mut self, sql: &str) -> String {
        let sql = AssertSqlSafe(sql.to_owned());
        let value: Option<String> =
            sqlx::query_scalar(sql).fetch_one(&mut self.conn).await.unwrap();
        value.unwrap_or_else(|| "null".to_owned())
    }

    pub async fn sync(&mut self, mode: Mode) -> Result<seed::Report> {
        let config = self.config();
        let content = Content::read(&config.build.content, &config)?;
        sync(&mut self.conn, &content, mode).await
    }

    pub async fn push(&mut self) -> seed::Report {
        let config = self.config();
        let content = Content::read(&config.build.content, &config).unwrap();
        sync(&mut self.conn, &content, Mode::Push).await.unwrap()
    }

    pub async fn mirror(&mut self) -> seed::Report {
        let config = self.config();
        let content = Content::read(&config.build.content, &config).unwrap();
        sync(&mut self.conn, &content, Mode::Mirror).await.unwrap()
    }

    pub async fn export(&mut self) -> Report {
        self.export_to(self.site.root.join("content"), false).await.unwrap()
    }

    pub async fn export_full(&mut self) -> Report {
        self.export_to(self.site.root.join("content"), true).await.unwrap()
    }

    pub async fn export_by_force(&mut self) -> Report {
        let dir = self.site.root.join("content");
        self.export_as(Options { dir, full: false, force: true }).await.unwrap()
    }

    pub async fn export_to(&mut self, dir: PathBuf, full: bool) -> Result<Report> {
        self.export_as(Options { dir, full, force: false }).await
    }

    async fn export_as(&mut self, options: Options) -> Result<Report> {
        let config = self.config();
        let migrations = Migrations::collect(&config)?;
        let export = plan(&mut self.conn, &config, &migrations, &options).await?;
        export.write()?;
        Ok(export.report)
    }

    /// The content files that hold rows.
    pub fn content(&self) -> BTreeMap<String, String> {
        let files = tree(&self.site.root.join("content")).into_iter();
        let rows = files.filter(|(name, _)| !name.starts_with("images/") && name != ".exported");
        rows.map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
    }

    pub fn file(&self, name: &str) -> String {
        self.content()
            .remove(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.content().keys()))
    }

    /// Every row of tables in Postgres's own words.
    pub async fn rows(&mut self, tables: &[&str]) -> String {
        let mut all = String::new();
        for table in tables {
            let sql = format!(
                "select string_agg(t::text, E'\\n' order by t::text collate \"C\") from {table} as t"
            );
            let rows = self.value(&sql).await;
            all.extend([*table, "\n", rows.as_str(), "\n"]);
        }
        all
    }
}

pub const KIT: [&str; 7] =
    ["profile", "skills", "projects", "experience", "solutions", "testimonials", "page_layouts"];

/// A row that a report names.
pub fn row(table: &str, file: &str, line: usize) -> Stray {
    Stray { table: table.to_owned(), file: file.to_owned(), line }
}

/// Seeding must find nothing to do.
pub fn nothing_done(report: &seed::Report) {
    let total = report.total();
    let done = (total.inserted, total.updated, total.deleted, total.skipped);
    assert_eq!(done, (0, 0, 0, 0), "{report:#?}");
}

/// An export that wrote nothing.
pub fn nothing_written(report: &Report) {
    assert!(report.written.is_empty(), "{report:#?}");
    assert!(report.changed.is_empty(), "{report:#?}");
    assert!(report.removed.is_empty(), "{report:#?}");
}
