//! A site whose content is in a database, and what stands in for the extensions that no package has.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::postgres::{connect, database, run};
pub use crate::receiver::{Receiver, SECRET};
use crate::site::{Run, Site};

/// What `pg_net` offers, as far as the job uses it. Nothing is sent: calls are written down, and the
/// test says what came of them.
pub const NET: &str = "
    create schema net;
    create table net.calls (id bigserial primary key, url text, body jsonb, headers jsonb,
        timeout int, at timestamptz default clock_timestamp());
    create table net._http_response (id bigint, status_code int, content_type text, headers jsonb,
        content text, timed_out bool, error_msg text, created timestamptz default now());
    create function net.http_post(url text, body jsonb default '{}', params jsonb default '{}',
        headers jsonb default '{\"Content-Type\": \"application/json\"}',
        timeout_milliseconds int default 5000) returns bigint language sql as
        'insert into net.calls (url, body, headers, timeout) values (url, body, headers, timeout_milliseconds) returning id';
";

/// The part of the Vault that keeps secrets, without keeping them secret.
pub const VAULT: &str = "
    create schema vault;
    create table vault.decrypted_secrets (id uuid primary key default gen_random_uuid(), name text unique, decrypted_secret text);
    create function vault.create_secret(new_secret text, new_name text default null, new_description text default '') returns uuid
        language sql as 'insert into vault.decrypted_secrets (name, decrypted_secret) values (new_name, new_secret) returning id';
    create function vault.update_secret(secret_id uuid, new_secret text default null, new_name text default null, new_description text default null) returns void
        language sql as 'update vault.decrypted_secrets set decrypted_secret = new_secret where id = secret_id';
";

pub struct Kit {
    pub site: Site,
    pub url: String,
    pub connection: PgConnection,
}

impl Kit {
    /// A small site over the portfolio's tables, migrated, with one project and one page.
    pub async fn new() -> Self {
        let url = database().await;
        let mut site = Site::small();
        site.database_url = Some(url.clone());
        site.edit(
            "frieze.toml",
            "[layouts]",
            "[hook]\nquiet_seconds = 1\nmax_wait_seconds = 5\n\n[layouts]",
        );
        let text = "\n[collections.testimonials]\norder_by = \"author_name\"\n";
        let toml = std::fs::read_to_string(site.root.join("frieze.toml")).unwrap();
        site.write("frieze.toml", toml + text);
        let mut kit = Self { site, connection: connect(&url).await, url };
        assert_eq!(kit.site.run(&["db", "migrate"]).code, 0);
        kit.sql(
            "insert into projects (title, slug, description) values ('First', 'first', 'The *first* text');
             insert into page_layouts (page_name, version, is_published, layout_json) values
                ('home', 1, true, '{\"sections\": [{\"id\": \"heading\", \"config\": {\"text\": \"Hello\"}}]}')",
        )
        .await;
        kit
    }

    /// The same with the triggers, and with what stands in for `pg_net`.
    pub async fn installed() -> Self {
        let mut kit = Self::new().await;
        kit.sql(NET).await;
        kit.ok(&["hook", "install"]);
        kit
    }

    pub async fn sql(&mut self, sql: &str) {
        run(&mut self.connection, sql).await;
    }

    pub async fn text(&mut self, sql: &str) -> String {
        let sql = AssertSqlSafe(format!("select coalesce(({sql})::text, '')"));
        sqlx::query_scalar(sql).fetch_one(&mut self.connection).await.unwrap()
    }

    /// What is marked, as `table=count`.
    pub async fn marks(&mut self) -> String {
        self.text(
            "select string_agg(format('%s=%s', table_name, n), ' ' order by table_name)
             from (select table_name, sum(change_count) as n from site_changes group by 1) as it",
        )
        .await
    }

    pub async fn forget(&mut self) {
        self.sql("delete from site_changes").await;
    }

    pub async fn tick(&mut self) -> String {
        self.text("select frieze.deploy_tick()").await
    }

    /// Lets time pass: everything that has happened was so many seconds earlier.
    pub async fn later(&mut self, seconds: u32) {
        self.sql(&format!(
            "update site_changes set first_changed_at = first_changed_at - interval '{seconds} s', last_changed_at = last_changed_at - interval '{seconds} s';
             update frieze.deploys set requested_at = requested_at - interval '{seconds} s';
             update site_builds set started_at = started_at - interval '{seconds} s', finished_at = finished_at - interval '{seconds} s'"
        ))
        .await;
    }

    /// What the last call came to, as `pg_net` tells it.
    pub async fn answer(&mut self, status: &str, error: &str) {
        self.sql(&format!(
            "insert into net._http_response (id, status_code, error_msg) select max(id), {status}, {error} from net.calls"
        ))
        .await;
    }

    pub async fn calls(&mut self) -> usize {
        self.text("select count(*) from net.calls").await.parse().unwrap()
    }

    pub fn run_with(&self, arguments: &[&str], env: &[(&str, &str)]) -> Run {
        Run::of(self.site.command(arguments).envs(env.iter().copied()).output().unwrap())
    }

    pub fn ok(&self, arguments: &[&str]) -> Run {
        let run = self.site.run(arguments);
        assert_eq!(run.code, 0, "{arguments:?}: {}{}", run.stdout, run.stderr);
        run
    }

    /// A build that goes live.
    pub fn deploy(&self) {
        self.ok(&["build", "--deploy"]);
    }
}
