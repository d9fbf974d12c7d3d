//! `frieze enrich` itself: a worker, with its progress and its summary.

use std::fmt::Write as _;
use std::time::Duration;

use indicatif::ProgressBar;
use serde_json::json;
use uuid::Uuid;

use super::{brief, short};
use crate::cli::{Global, output};
use crate::config::Config;
use crate::db::Database;
use crate::enrich::queue::{self, NewTask};
use crate::enrich::record::Failed;
use crate::enrich::task::Tasks;
use crate::enrich::worker::{End, Observer, Options, Report};
use crate::enrich::{Claimed, SharedConnection, run};
use crate::error::Result;

#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Args {
    /// How long to work, in seconds, instead of `enrich.window_seconds`
    #[arg(long, value_name = "SECONDS", conflicts_with = "watch")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=604_800))]
    window: Option<u64>,
    /// How many tasks to work on at once, instead of `enrich.concurrency`
    #[arg(long, value_name = "N")]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    concurrency: Option<usize>,
    /// Stay, and wait for more tasks, until SIGINT or SIGTERM
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) watch: bool,
    /// Only say what would be asked, and of whom
    #[arg(long)]
    dry_run: bool,
    /// Only tasks of this type; may be said several times, and the first goes first
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
}

/// As many as one reads.
const PREVIEWS: usize = 100;
const WINDOW: Duration = Duration::from_mins(1);
/// A worker that is asked to stop gives what runs this long.
const GRACE: Duration = Duration::from_secs(10);

impl Args {
    pub fn check(&self) -> Result<()> {
        self.types.iter().try_for_each(|name| super::add::known(name))
    }
}

pub async fn run(
    global: &Global,
    args: &Args,
    config: &Config,
    database: &Database,
    connection: &SharedConnection,
) -> Result<()> {
    let options = options(args, config);
    let tasks = Tasks::new(config, SharedConnection::clone(connection), options.run_id)?;
    if args.dry_run {
        let missing = run::missing(database, connection, config, &options).await?;
        return preview(global, args, &tasks, connection, missing).await;
    }
    options.stop.at_signals();
    let progress = Progress::new(global.json);
    let report = run::run(database, connection, config, &tasks, &options, &progress).await?;
    drop(progress);
    if global.json { output::json(&report) } else { output::line(&text(&report)) }
}

fn options(args: &Args, config: &Config) -> Options {
    let mut options = Options::new(&config.enrich);
    if let Some(seconds) = args.window {
        options = options.within(Duration::from_secs(seconds));
    } else if config.enrich.window.is_zero() {
        // Builds do without; whoever calls this does not.
        options = options.within(WINDOW);
    }
    options.concurrency = args.concurrency.unwrap_or(options.concurrency);
    options.task_types.clone_from(&args.types);
    if args.watch {
        (options.watch, options.window, options.grace) = (true, None, GRACE);
    }
    options
}

async fn preview(
    global: &Global,
    args: &Args,
    tasks: &Tasks,
    connection: &SharedConnection,
    missing: Vec<NewTask>,
) -> Result<()> {
    tasks.begin().await;
    let (due, counts) = {
        let mut connection = connection.lock().await;
        let due = queue::due(&mut connection, &args.types, PREVIEWS).await?;
        (due, queue::counts(&mut connection, &args.types).await?)
    };
    let mut previews = Vec::new();
    for task in &due {
        previews.push((task, tasks.preview(task).await));
    }
    let mut wanted = Vec::new();
    for task in missing.iter().take(PREVIEWS) {
        wanted.push((task, tasks.preview(&claimed(task)).await));
    }
    if global.json {
        let list: Vec<_> = previews
            .iter()
            .map(|(task, preview)| {
                json!({"id": task.id, "task_type": task.task_type, "target": task.target,
                    "is_private": task.is_private, "preview": preview})
            })
            .collect();
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(task, preview)| {
                json!({"task_type": task.task_type, "target": task.target,
                    "is_private": task.is_private, "preview": preview})
            })
            .collect();
        return output::json(&json!({"due": counts.due, "tasks": list, "missing": missing.len(),
            "would_queue": wanted}));
    }
    let mut text = String::new();
    for (task, preview) in &previews {
        let _ = writeln!(text, "{}\n  {}\n", name(task), preview.trim_end().replace('\n', "\n  "));
    }
    for (task, preview) in &wanted {
        let target = task.target.as_deref().unwrap_or_default();
        let preview = preview.trim_end().replace('\n', "\n  ");
        let _ = writeln!(text, "to be queued: {} {target}\n  {preview}\n", task.task_type);
    }
    let due = usize::try_from(counts.due).unwrap_or_default();
    let queued = match missing.len() {
        0 => String::new(),
        count => format!(", {count} to be queued"),
    };
    let _ = write!(text, "{} due{queued}; nothing was claimed", output::count(due, "task"));
    output::line(&text)
}

/// As a worker would hold it.
fn claimed(task: &NewTask) -> Claimed {
    Claimed {
        id: Uuid::nil(),
        task_type: task.task_type.clone(),
        target: task.target.clone(),
        payload: task.payload.clone(),
        unreadable: None,
        is_private: task.is_private,
        attempts: 1,
        max_attempts: task.max_attempts,
        claimed_at: chrono::DateTime::UNIX_EPOCH,
    }
}

fn name(task: &Claimed) -> String {
    let target = task.target.as_deref().map_or_else(String::new, |target| format!(" {target}"));
    format!("{} {}{target}", short(task.id), task.task_type)
}

fn text(report: &Report) -> String {
    let tasks = &report.tasks;
    let mut parts = vec![format!("{} completed", tasks.completed)];
    for (count, word) in [
        (tasks.failed, "failed"),
        (tasks.retried, "to be tried again"),
        (tasks.put_back, "put back"),
        (tasks.lost, "lost to other workers"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    let seconds = output::seconds(report.seconds);
    let mut text = format!("Enriched in {seconds}: {}", parts.join(", "));
    details(report, &mut text);
    for problem in &report.problems {
        let end = if problem.is_final { "failed" } else { "to be tried again" };
        let target = problem.target.as_deref().map_or_else(String::new, |it| format!(" {it}"));
        let (id, kind) = (short(problem.id), &problem.task_type);
        let message = brief(&problem.message, 200);
        let _ = write!(text, "\n  {id} {kind}{target}: {end}: {message}");
    }
    text
}

fn details(report: &Report, text: &mut String) {
    let calls = &report.calls;
    if report.written + report.kept > 0 {
        let kept = match report.kept {
            0 => String::new(),
            kept => format!(", kept {kept} that people wrote"),
        };
        let _ = write!(text, "\n  wrote {}{kept}", output::count(report.written, "value"));
    }
    if calls.made + calls.cached > 0 {
        let cost = calls.cost.map_or_else(String::new, |cost| format!(", cost {cost:.4}"));
        let _ = write!(
            text,
            "\n  {}, {} from the cache, {} + {} tokens{cost}",
            output::count(calls.made, "call"),
            output::count(calls.cached, "answer"),
            calls.tokens_in,
            calls.tokens_out
        );
    }
    if report.rescued > 0 {
        let _ = write!(text, "\n  rescued {}", output::count(report.rescued, "task"));
    }
    if report.due + report.later > 0 {
        let _ = write!(text, "\n  left: {} due, {} for later", report.due, report.later);
        if let Some(why) = &report.because {
            let _ = write!(text, " ({})", brief(why, 200));
        }
    }
}

/// A bar on a terminal, nothing where lines are collected.
struct Progress(ProgressBar);

impl Progress {
    fn new(is_quiet: bool) -> Self {
        let bar = output::bar(is_quiet, "{spinner} enrich {wide_bar} {pos}/{len} {msg}");
        bar.set_length(0);
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Observer for Progress {
    fn claimed(&self, count: usize) {
        self.0.inc_length(count as u64);
    }

    fn ended(&self, task: &Claimed, end: &End) {
        self.0.inc(1);
        self.0.set_message(task.task_type.clone());
        let name = name(task);
        match end {
            End::Completed(_) => tracing::info!(task = %name, "completed"),
            End::Failed { outcome: Failed::Finally, message } => {
                tracing::warn!(task = %name, "failed: {message}");
            }
            End::Failed { message, .. } => tracing::info!(task = %name, "not yet: {message}"),
            End::PutBack => tracing::info!(task = %name, "put back"),
            End::Lost => tracing::info!(task = %name, "lost to another worker"),
        }
    }
}
