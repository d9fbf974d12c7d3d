//! `frieze status`: what is live, what is pending, and how it got there.

use chrono::{TimeDelta, Utc};
use serde_json::json;

use super::hook::database::{deploy_lines, pending_lines};
use super::{Global, output};
use crate::config::{Config, Overrides};
use crate::db::deploys::{self, BuildRow, Status};
use crate::db::{self, Database};
use crate::error::Result;
use crate::pipeline::{self, Live};

/// Show what is live, what is pending, the last builds, and today's deployments
#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, value_name = "URL", help = "Where the live site is, instead of site.base_url")]
    url: Option<String>,
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    let config = global.config(&Overrides::default())?;
    let url = args.url.as_ref().unwrap_or(&config.site.base_url);
    let live = pipeline::live(url);
    let status = match &config.database.url {
        Some(_) => Some(read(&config)?),
        None => None,
    };
    if global.json {
        let (live, why) = match live {
            Ok(live) => (Some(live), None),
            Err(error) => (None, Some(error.chain().join(": "))),
        };
        let newest = newest_is_live(live.as_ref(), status.as_ref());
        return output::json(
            &json!({"live": live, "live_error": why, "newest_is_live": newest, "database": status}),
        );
    }
    let mut lines = vec![live_line(&live, url, status.as_ref())];
    if newest_is_live(live.as_ref().ok(), status.as_ref()) == Some(false) {
        lines.push("The newest build that succeeded is not what is live: it is on its way, or its deployment failed; if so, deploy again".to_owned());
    }
    match &status {
        None => lines.push(format!(
            "Database: embedded, made from content/ ({} is not set)",
            config.database.url_env
        )),
        Some(status) => {
            lines.extend(pending_lines(status));
            lines.extend(build_lines(&status.builds));
            if status.is_installed {
                lines.extend(deploy_lines(status));
            }
        }
    }
    output::line(&lines.join("\n"))
}

fn read(config: &Config) -> Result<Status> {
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let mut connection = database.connect().await?;
        let status = deploys::status(&mut connection).await;
        db::hang_up(connection).await;
        database.close().await?;
        status
    })
}

fn live_line(live: &Result<Live>, url: &str, status: Option<&Status>) -> String {
    let live = match live {
        Ok(live) => live,
        Err(error) => return format!("Live: {url} does not tell: {}", error.chain().join(": ")),
    };
    let print = live.fingerprint.get(..12).unwrap_or(&live.fingerprint);
    let built = status.and_then(|status| {
        let is_it =
            |build: &&BuildRow| build.content_fingerprint.as_ref() == Some(&live.fingerprint);
        status.builds.iter().find(is_it)
    });
    let age =
        built.map(|build| format!(", built {} ago", output::age(Utc::now() - build.started_at)));
    format!("Live: {url}, frieze {}, content {print}{}", live.version, age.unwrap_or_default())
}

/// A build that was killed says nothing more.
fn build_state(build: &BuildRow) -> &str {
    let is_lost = build.status == "running" && Utc::now() - build.started_at > TimeDelta::hours(1);
    if is_lost { "began, and never said how it ended" } else { &build.status }
}

/// Whether the site shows what the newest build that succeeded has read; none where either is not
/// known. That build took its changes out of what is pending.
fn newest_is_live(live: Option<&Live>, status: Option<&Status>) -> Option<bool> {
    let newest = status?.builds.iter().find(|build| build.status == "succeeded")?;
    Some(newest.content_fingerprint.as_ref()? == &live?.fingerprint)
}

fn build_lines(builds: &[BuildRow]) -> Vec<String> {
    if builds.is_empty() {
        return vec!["Builds: none is recorded".to_owned()];
    }
    let mut lines = vec!["Builds:".to_owned()];
    lines.extend(builds.iter().map(|build| {
        let age = output::age(Utc::now() - build.started_at);
        let took = build.duration_ms.map(|it| {
            let seconds = f64::from(i32::try_from(it).unwrap_or(i32::MAX)) / 1000.0;
            format!(" in {}", output::seconds(seconds))
        });
        let pages = build.pages.map(|pages| {
            format!(", {}", output::count(usize::try_from(pages).unwrap_or_default(), "page"))
        });
        let why = build.error.as_ref().map(|why| format!(": {why}"));
        let [took, pages, why] = [took, pages, why].map(Option::unwrap_or_default);
        format!("  {age} ago: {}{took}{pages}{why}", build_state(build))
    }));
    lines
}
