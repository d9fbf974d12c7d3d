//! `frieze hook install`, `remove` and `status`: the part that is in the database.

use chrono::Utc;
use serde_json::json;
use sqlx::PgConnection;

use super::{Global, output};
use crate::config::Config;
use crate::db::deploys::{self, Installed, Status};
use crate::db::migrate::Migrations;
use crate::db::{self, Database};
use crate::error::Result;
use crate::theme::Touched;

/// Put triggers on the tables that the site reads, and the job that calls the deploy hook
#[derive(Debug, clap::Args)]
pub struct InstallArgs {}

/// Take triggers, job and settings away again
#[derive(Debug, clap::Args)]
pub struct RemoveArgs {}

/// Show what is installed, what is pending, and how the deploy hook answered
#[derive(Debug, clap::Args)]
pub struct StatusArgs {}

pub fn install(global: &Global, _: &InstallArgs, config: &Config) -> Result<()> {
    let migrations = Migrations::collect(config)?;
    let idle = Touched::of(config)?.idle(config);
    let (installed, place) = with(config, true, async |connection, place| {
        Ok((deploys::install(connection, config, &idle, &migrations).await?, place))
    })?;
    if !global.json {
        return output::line(&installed_text(&installed, config, &place));
    }
    output::json(&json!({
        "database": place,
        "tables": installed.reads.watched,
        "unwatched": installed.reads.unwatched,
        "opaque": installed.reads.opaque,
        "extensions": installed.extensions,
        "schedule": installed.schedule,
        "hook": installed.hook.name(),
    }))
}

pub fn remove(global: &Global, _: &RemoveArgs, config: &Config) -> Result<()> {
    let migrations = Migrations::collect(config)?;
    let (removed, place) = with(config, true, async |connection, place| {
        Ok((deploys::remove(connection, &migrations).await?, place))
    })?;
    if global.json {
        let value =
            json!({"database": place, "removed": removed.was_there, "tables": removed.tables});
        return output::json(&value);
    }
    if !removed.was_there {
        return output::line(&format!("Nothing to do in {place}"));
    }
    let tables = output::count(removed.tables.len(), "table");
    output::line(&format!("Removed the triggers of {tables} and the job from {place}"))
}

pub fn status(global: &Global, _: &StatusArgs, config: &Config) -> Result<()> {
    let (status, place) = with(config, false, async |connection, place| {
        Ok((deploys::status(connection).await?, place))
    })?;
    if global.json {
        return output::json(&json!({"database": place, "status": status}));
    }
    output::line(&status_text(&status, &place))
}

fn with<T>(
    config: &Config,
    migrates: bool,
    work: impl AsyncFnOnce(&mut PgConnection, String) -> Result<T>,
) -> Result<T> {
    deploys::refuse_embedded(config.database.url.is_none(), &config.database.url_env)?;
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let mut connection = if migrates {
            database.connect_to_migrate().await?
        } else {
            database.connect().await?
        };
        let done = work(&mut connection, database.describe()).await;
        db::hang_up(connection).await;
        let closed = database.close().await;
        done.and_then(|done| closed.map(|()| done))
    })
}

fn installed_text(installed: &Installed, config: &Config, place: &str) -> String {
    let Installed { reads, extensions, schedule, hook } = installed;
    let mut lines = vec![format!(
        "Changes of {} are noted in {place}:",
        output::count(reads.watched.len(), "table")
    )];
    for table in &reads.watched {
        let which = if table.by_policy { " (rows the site may show)" } else { "" };
        lines.push(format!("  {}{which}", table.table));
    }
    for table in &reads.unwatched {
        lines.push(format!("Not watched: {}: {}", table.table, table.why));
    }
    for name in &reads.opaque {
        lines.push(format!(
            "Not all that \"{name}\" reads can be told (it calls functions, or a condition is never true): name the tables in hook.tables"
        ));
    }
    if let Some(schedule) = schedule {
        let hook = &config.hook;
        let (quiet, most) = (hook.quiet.as_secs(), hook.max_wait.as_secs());
        lines.push(format!(
            "A job runs {schedule}: it calls the deploy hook after {quiet} s of quiet, at the latest after {most} s, at most {} times in 24 hours",
            hook.per_day
        ));
    } else {
        for one in extensions.iter().filter(|one| !one.is_ready) {
            lines.push(format!("{}: {}", one.name, one.why.as_deref().unwrap_or_default()));
        }
        lines.push("No job calls the deploy hook: run `frieze hook serve`, which looks for changes itself (hook.poll_seconds)".to_owned());
    }
    match hook.name() {
        Some(name) => lines.push(format!("The deploy hook's address is in {name}")),
        None if !config.hook.command.is_empty() => {
            lines.push("hook.command says how to deploy: `frieze hook serve` runs it".to_owned());
        }
        None => lines.push(format!(
            "No deploy hook is known: set {} to its address and run this again, or put it into the Vault as frieze_deploy_hook",
            config.hook.url_env
        )),
    }
    lines.join("\n")
}

pub fn status_text(status: &Status, place: &str) -> String {
    if !status.is_installed {
        return format!("Nothing is installed in {place}: `frieze hook install` does it");
    }
    let mut lines = vec![format!(
        "Changes of {} are noted in {place}",
        output::count(status.watched.len(), "table")
    )];
    lines.push(format!("  {}", status.watched.join(", ")));
    if !status.bare.is_empty() {
        lines.push(format!(
            "Without triggers: {}: run `frieze hook install` again",
            status.bare.join(", ")
        ));
    }
    for one in status.extensions.iter().filter(|one| !one.is_ready) {
        lines.push(format!("{}: {}", one.name, one.why.as_deref().unwrap_or_default()));
    }
    lines.push(match &status.job {
        Some(job) => {
            let last = job.last_run.map(|time| {
                let how = job.last_status.as_deref().unwrap_or("unknown");
                format!(", last {} ago: {how}", output::age(Utc::now() - time))
            });
            let stopped = if job.active { "" } else { " (switched off)" };
            format!("Job: {}{stopped}{}", job.schedule, last.unwrap_or_default())
        }
        None => "Job: none".to_owned(),
    });
    if let Some(settings) = &status.settings {
        lines.push(format!(
            "Rule: {} s of quiet, at the latest after {} s, at most {} in 24 hours",
            settings.quiet_seconds, settings.max_wait_seconds, settings.per_day
        ));
        lines.push(match &settings.hook {
            Some(hook) => format!("Deploy hook: its address is in {hook}"),
            None => "Deploy hook: none is known".to_owned(),
        });
    }
    lines.extend(pending_lines(status));
    lines.extend(deploy_lines(status));
    lines.join("\n")
}

pub fn pending_lines(status: &Status) -> Vec<String> {
    if status.pending.is_empty() {
        return vec!["Pending: nothing".to_owned()];
    }
    let mut lines = vec!["Pending:".to_owned()];
    for one in &status.pending {
        let changes = output::count(usize::try_from(one.changes).unwrap_or_default(), "change");
        let age = output::age(Utc::now() - one.last);
        lines.push(format!("  {}: {changes}, the last {age} ago", one.table));
    }
    lines
}

pub fn deploy_lines(status: &Status) -> Vec<String> {
    let most = status.settings.as_ref().map_or(0, |it| it.per_day);
    let mut lines = vec![format!(
        "Deployments asked for by the job in 24 hours: {} of {most} (a receiver tells its own at /health)",
        status.spent
    )];
    for one in &status.deploys {
        let code = one.status_code.map(|code| format!(" ({code})")).unwrap_or_default();
        let why = one.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let age = output::age(Utc::now() - one.requested_at);
        let again = if one.reason == "again" { ", again" } else { "" };
        lines.push(format!("  {age} ago: {}{code}{again}{why}", one.status));
    }
    lines
}
