//! What the database knows of deployments: what is pending, what was asked for, what was built.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::postgres::types::PgInterval;
use sqlx::{PgConnection, Row as _};

use super::JOB;
use super::extensions::{Extension, extensions};
use crate::db::errors::Explain as _;
use crate::error::{Error, Result};

const DOING: &str = "reading the state of deployments";

#[derive(Debug, Clone, Default, Serialize)]
pub struct Status {
    /// Nothing else is known where it is not.
    pub is_installed: bool,
    pub watched: Vec<String>,
    /// Tables that should carry triggers and do not, as after being made anew.
    pub bare: Vec<String>,
    pub extensions: Vec<Extension>,
    pub settings: Option<Settings>,
    pub job: Option<Job>,
    pub pending: Vec<Pending>,
    pub deploys: Vec<Deploy>,
    /// Calls of the deploy hook in the last 24 hours.
    pub spent: i64,
    pub builds: Vec<BuildRow>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Settings {
    pub quiet_seconds: i64,
    pub max_wait_seconds: i64,
    pub per_day: i32,
    /// Where the deploy hook's address is kept.
    pub hook: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    pub schedule: String,
    pub active: bool,
    pub last_run: Option<DateTime<Utc>>,
    pub last_status: Option<String>,
}

/// A table with changes that are not deployed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    pub table: String,
    pub first: DateTime<Utc>,
    pub last: DateTime<Utc>,
    pub changes: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deploy {
    pub requested_at: DateTime<Utc>,
    pub status: String,
    pub status_code: Option<i32>,
    pub error: Option<String>,
    pub reason: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BuildRow {
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    pub status: String,
    pub content_fingerprint: Option<String>,
    pub pages: Option<i32>,
    pub bytes: Option<i64>,
    pub duration_ms: Option<i64>,
    pub error: Option<String>,
}

#[derive(Deserialize)]
struct Trigger {
    name: String,
    whole: bool,
}

pub async fn status(connection: &mut PgConnection) -> Result<Status> {
    let mut status = Status::default();
    if is_there(connection, "public.site_builds").await? {
        status.builds = all(
            connection,
            "select started_at, finished_at, status, content_fingerprint, pages, bytes, duration_ms, error
             from public.site_builds order by started_at desc, id limit 5",
        )
        .await?;
        status.pending = all(
            connection,
            "select table_name as \"table\", min(first_changed_at) as first, max(last_changed_at) as last,
             sum(change_count)::bigint as changes from public.site_changes group by 1 order by 1",
        )
        .await?;
    }
    status.is_installed = is_there(connection, "frieze.deploys").await?;
    if status.is_installed {
        installed(connection, &mut status).await?;
    }
    Ok(status)
}

async fn installed(connection: &mut PgConnection, status: &mut Status) -> Result<()> {
    status.extensions = extensions(connection, false).await?.into();
    status.settings = Some(settings(connection).await?);
    status.deploys = all(
        connection,
        "select requested_at, status, status_code, error, reason from frieze.deploys
         order by id desc limit 5",
    )
    .await?;
    let spent = "select count(*) from frieze.deploys
        where requested_at > clock_timestamp() - interval '24 hours'";
    status.spent = sqlx::query_scalar(spent)
        .persistent(false)
        .fetch_one(&mut *connection)
        .await
        .or_explain(DOING)?;
    let watched: Vec<Trigger> = all(
        connection,
        "select format('%I.%I', schema_name, table_name) as name,
            4 = frieze.triggers_of(to_regclass(format('%I.%I', schema_name, table_name))) as whole
         from frieze.watched_tables order by 1",
    )
    .await?;
    let bare = watched.iter().filter(|it| !it.whole);
    status.bare = bare.map(|it| it.name.clone()).collect();
    status.watched = watched.into_iter().map(|it| it.name).collect();
    if is_there(connection, "cron.job").await? {
        status.job = job(connection).await?;
    }
    Ok(())
}

async fn settings(connection: &mut PgConnection) -> Result<Settings> {
    let sql = "select quiet, max_wait, per_day, case
            when frieze.vault_secret('frieze_deploy_hook') is not null then 'the Vault'
            when url is not null then 'frieze.deploy_settings' end
        from frieze.deploy_settings";
    let row = sqlx::query(sql).persistent(false).fetch_one(connection).await.or_explain(DOING)?;
    let read = |at: usize| -> sqlx::Result<i64> {
        let it: PgInterval = row.try_get(at)?;
        Ok(it.microseconds / 1_000_000 + i64::from(it.days) * 86_400)
    };
    let settings = || -> sqlx::Result<Settings> {
        Ok(Settings {
            quiet_seconds: read(0)?,
            max_wait_seconds: read(1)?,
            per_day: row.try_get(2)?,
            hook: row.try_get(3)?,
        })
    };
    settings().or_explain(DOING)
}

/// The job as `pg_cron` has it; its runs may be hidden from this login.
async fn job(connection: &mut PgConnection) -> Result<Option<Job>> {
    let runs = is_there(connection, "cron.job_run_details").await?;
    let last = |column: &str| {
        if runs {
            format!(
                "(select {column} from cron.job_run_details d where d.jobid = j.jobid order by runid desc limit 1)"
            )
        } else {
            "null".to_owned()
        }
    };
    let sql = format!(
        "select schedule, active, {} as last_run, {} as last_status
         from cron.job j where jobname = '{JOB}' and database = current_database()",
        last("start_time"),
        last("status")
    );
    Ok(all(connection, &sql).await?.pop())
}

async fn is_there(connection: &mut PgConnection, table: &str) -> Result<bool> {
    let sql = "select coalesce(has_schema_privilege(split_part($1, '.', 1), 'usage')
        and has_table_privilege(to_regclass($1), 'select'), false)
        from (select 1 where to_regnamespace(split_part($1, '.', 1)) is not null) as it";
    let there: Option<bool> = sqlx::query_scalar(sql)
        .bind(table)
        .persistent(false)
        .fetch_optional(connection)
        .await
        .or_explain(DOING)?;
    Ok(there.unwrap_or(false))
}

/// The rows of a query, by the names of its columns.
async fn all<T: DeserializeOwned>(connection: &mut PgConnection, sql: &str) -> Result<Vec<T>> {
    let sql = format!("select coalesce(json_agg(it), '[]') from ({sql}) as it");
    let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).persistent(false);
    let rows: serde_json::Value = rows.fetch_one(connection).await.or_explain(DOING)?;
    serde_json::from_value(rows).map_err(|error| Error::database(DOING).because(error))
}
