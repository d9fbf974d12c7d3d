//! `frieze enrich add`.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::cli::{Global, output};
use crate::config::Config;
use crate::enrich::queue::{self, Added, NewTask};
use crate::enrich::task;
use crate::error::{Error, Result, nearest};

/// Queue a task
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What is to be done: one of the known types
    #[arg(value_name = "TYPE")]
    task_type: String,
    /// What it is about, as in projects/<ID>; one live task of a type for each
    #[arg(long, value_name = "TARGET")]
    target: Option<String>,
    /// What else the task has to know, a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = object)]
    payload: Value,
    /// From 1 to 10; higher goes first
    #[arg(long, value_name = "N", default_value_t = 5)]
    #[arg(value_parser = clap::value_parser!(i32).range(1..=10))]
    priority: i32,
    /// Not before then, as in 2026-11-20T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<DateTime<Utc>>,
    /// How often it is tried
    #[arg(long, value_name = "N", default_value_t = 3)]
    #[arg(value_parser = clap::value_parser!(i32).range(1..=100))]
    max_attempts: i32,
    /// Only providers marked private may see it
    #[arg(long)]
    private: bool,
}

impl Args {
    pub fn check(&self, config: &Config) -> Result<()> {
        known(&self.task_type)?;
        self.task(config).map(drop)
    }

    /// The task as frieze itself would queue it.
    fn task(&self, config: &Config) -> Result<NewTask> {
        let task = NewTask {
            task_type: self.task_type.clone(),
            target: self.target.clone(),
            payload: self.payload.clone(),
            priority: self.priority,
            scheduled_at: self.at,
            max_attempts: self.max_attempts,
            is_private: self.private,
        };
        task::ready(config, task)
    }
}

/// An error that lists the known types if it is none of them.
pub fn known(name: &str) -> Result<()> {
    let known = task::known();
    if known.contains(&name) {
        return Ok(());
    }
    let list = known.join(", ");
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"? known are {list}"),
        None => format!("known are {list}"),
    };
    Err(Error::content(format!("there is no task type \"{name}\"")).help(help))
}

fn object(text: &str) -> std::result::Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err("it is no JSON object, as in {\"id\": 1}".to_owned()),
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

fn time(text: &str) -> std::result::Result<DateTime<Utc>, String> {
    let naive = ["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let utc = |form| NaiveDateTime::parse_from_str(text, form).ok().map(|time| time.and_utc());
    let exact = DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    exact
        .or_else(|| naive.into_iter().find_map(utc))
        .ok_or_else(|| "write it like 2026-11-20T08:00:00Z or 2026-11-20T09:00:00+01:00".to_owned())
}

pub async fn run(
    global: &Global,
    args: &Args,
    config: &Config,
    connection: &mut PgConnection,
) -> Result<()> {
    let task = args.task(config)?;
    task::check_row(connection, config, &task).await?;
    let added = queue::add(connection, &task).await?;
    if global.json {
        return output::json(&json!({"id": added.id(), "is_new": added.is_new()}));
    }
    let id = added.id();
    output::line(&match added {
        Added::New(_) => format!("Queued {} as {id}", args.task_type),
        Added::Live(_) => format!("{} is queued already, as {id}", args.task_type),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let eight = "2026-11-20T08:00:00+00:00";
        for text in [
            "2026-11-20T08:00:00Z",
            "2026-11-20T09:00:00+01:00",
            "2026-11-20 08:00",
            "2026-11-20T08:00:00",
        ] {
            assert_eq!(time(text).unwrap().to_rfc3339(), eight, "{text}");
        }
        assert!(time("tomorrow").is_err());
    }

    #[test]
    fn an_unknown_type_is_told_from_the_known_ones() {
        assert!(known("embed").is_ok());
        let report = known("embd").unwrap_err().report();
        assert!(report.contains("did you mean \"embed\"? known are "), "{report}");
        assert!(known("zzz").unwrap_err().report().contains("help: known are "));
    }

    #[test]
    fn a_payload_is_an_object() {
        assert!(object("{\"a\": 1}").is_ok());
        assert!(object("[1]").unwrap_err().contains("no JSON object"));
        assert!(object("{a").unwrap_err().contains("no JSON: "));
    }
}
