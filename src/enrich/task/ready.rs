//! A task as a person asks for it, made what frieze would have queued: the same work is then the
//! same task.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{Job, Scope};
use super::{find, payload};
use crate::config::Config;
use crate::db;
use crate::enrich::queue::NewTask;
use crate::error::{Error, Result, nearest};

/// Checks type, payload and target against the configuration, and writes the target as frieze
/// does. Where the configuration has no job for it, it waits for one as it is.
pub fn ready(config: &Config, task: NewTask) -> Result<NewTask> {
    let kind = find(&task.task_type).map_err(Error::content)?;
    payload::check(kind, &task.payload).map_err(Error::content)?;
    if let Some(target) = &task.target
        && kind.scope() != Scope::Run
    {
        collection(config, target)?;
    }
    if !config.enrich.tasks.values().any(|settings| settings.kind == task.task_type) {
        return Ok(task);
    }
    let job = Job::choose(config, &task.task_type, &task.payload, task.target.as_deref());
    let job = job.map_err(Error::content)?;
    let target = match kind.scope() {
        Scope::Run => task.target.clone(),
        Scope::Names => {
            about(&job, task.target.as_deref())?;
            Some(job.target(NAMES))
        }
        Scope::Row => {
            about(&job, task.target.as_deref())?;
            Some(job.target(&row(&task)?))
        }
    };
    Ok(NewTask { target, ..task })
}

/// An error where the row is not there that a task is about.
pub async fn check_row(conn: &mut PgConnection, config: &Config, task: &NewTask) -> Result<()> {
    let kind = find(&task.task_type).map_err(Error::content)?;
    let job = Job::choose(config, &task.task_type, &task.payload, task.target.as_deref());
    let (Ok(job), Scope::Row) = (job, kind.scope()) else { return Ok(()) };
    let id = row(task)?;
    let table = db::quoted(&job.table);
    let sql = format!("select exists (select from {table} as r where r.id::text = $1)");
    let look = sqlx::query_scalar(AssertSqlSafe(sql)).bind(&id).persistent(false);
    let is_there: bool = db::alone!(conn, look, fetch_one)
        .map_err(|error| db::explain_owner(error, &format!("looking into {}", job.table)))?;
    if is_there {
        return Ok(());
    }
    Err(Error::content(format!("{} has no row with the id {id}", job.table)).help(
        "the target is a collection and the value of the row's column id, as in projects/<ID>",
    ))
}

/// What stands for a row where a task is about names.
pub const NAMES: &str = "names";

/// The collection that a target names must be one of the site's.
fn collection(config: &Config, target: &str) -> Result<()> {
    let place = target.split_once('/').map_or(target, |(place, _)| place);
    let name = place.split_once('.').map_or(place, |(name, _)| name);
    if config.collections.contains_key(name) || config.collections.contains_key(place) {
        return Ok(());
    }
    let known: Vec<&str> = config.collections.keys().map(String::as_str).collect();
    let list = known.join(", ");
    let help = match nearest(name, known) {
        Some(near) => format!("did you mean \"{near}\"? known are {list}"),
        None if list.is_empty() => "frieze.toml has no collections".to_owned(),
        None => format!("known are {list}"),
    };
    Err(Error::content(format!("there is no collection \"{name}\"")).help(help))
}

fn about(job: &Job, target: Option<&str>) -> Result<()> {
    match target {
        Some(target) if !job.is_about(target) => {
            Err(Error::content(format!("enrich.tasks.{} is not about {target}", job.name))
                .help(format!("write the target as {}", job.target("<ID>"))))
        }
        _ => Ok(()),
    }
}

/// The row that target and payload name: both the same, if both do.
fn row(task: &NewTask) -> Result<String> {
    let target = task.target.as_deref().and_then(|target| target.split_once('/'));
    let target = target.map(|(_, id)| id.trim()).filter(|id| !id.is_empty());
    let payload = match task.payload.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(id) => Some(id.to_string()),
        None => None,
    };
    match (target, payload) {
        (Some(target), Some(id)) if target != id => {
            Err(Error::content(format!("the target names the row {target}, and the payload {id}"))
                .help("leave one of them out"))
        }
        (_, Some(id)) => Ok(id),
        (Some(id), None) => Ok(id.to_owned()),
        (None, None) => Err(Error::content("nothing says which row it is about")
            .help("name it, as in --target projects/<ID>")),
    }
}
