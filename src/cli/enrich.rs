//! `frieze enrich`: lets models work through the queue, and looks after it.

mod add;
mod change;
mod list;
mod revert;
mod show;
mod stats;
mod work;

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::Mutex;

use super::{Global, output};
use crate::config::{Config, Overrides};
use crate::db::migrate::{self, Migrations};
use crate::db::{self, Database};
use crate::enrich::SharedConnection;
use crate::error::{Error, Result};
use crate::pipeline;

/// Let models work through the queue of tasks, before the site is rendered
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(flatten)]
    work: work::Args,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Add(add::Args),
    List(list::Args),
    Show(show::Args),
    Retry(change::RetryArgs),
    Cancel(change::CancelArgs),
    Revert(revert::Args),
    Stats(stats::Args),
}

/// The embedded database serves one process at a time: a worker that stays would keep it from all.
fn alone(config: &Config) -> Error {
    let env = &config.database.url_env;
    Error::config("a worker that stays needs a database on a server")
        .help(format!("set {env}, or let `frieze enrich` run now and then; each build does too"))
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    let config = global.config(&Overrides::default())?;
    // What is wrong in the command line is said before a database is asked.
    match &args.command {
        Some(Command::Add(args)) => args.check(&config)?,
        None => args.work.check()?,
        _ => {}
    }
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        if args.command.is_none() && args.work.watch && database.is_embedded() {
            return Err(alone(&config));
        }
        let mut connection = database.connect().await?;
        match &args.command {
            _ if !database.is_embedded() => {}
            // What files say comes before what models make of it, as in a build.
            None => pipeline::sync(&mut connection, &config).await?,
            Some(_) => {
                migrate::up(&mut connection, &Migrations::collect(&config)?).await?;
            }
        }
        let done = match &args.command {
            None => at_work(global, args, &config, &database, connection).await,
            Some(command) => {
                let done = act(global, command, &config, &mut connection).await;
                db::hang_up(connection).await;
                done
            }
        };
        let closed = database.close().await;
        done.and(closed)
    })
}

async fn at_work(
    global: &Global,
    args: &Args,
    config: &Config,
    database: &Database,
    connection: PgConnection,
) -> Result<()> {
    let shared: SharedConnection = Arc::new(Mutex::new(connection));
    let done = work::run(global, &args.work, config, database, &shared).await;
    if let Ok(connection) = Arc::try_unwrap(shared) {
        db::hang_up(connection.into_inner()).await;
    }
    done
}

async fn act(
    global: &Global,
    command: &Command,
    config: &Config,
    connection: &mut PgConnection,
) -> Result<()> {
    match command {
        Command::Add(args) => add::run(global, args, config, connection).await,
        Command::List(args) => list::run(global, args, connection).await,
        Command::Show(args) => show::run(global, args, connection).await,
        Command::Retry(args) => change::retry(global, args, connection).await,
        Command::Cancel(args) => change::cancel(global, args, connection).await,
        Command::Revert(args) => revert::run(global, args, connection).await,
        Command::Stats(args) => stats::run(global, args, connection).await,
    }
}

/// The part of an id that tells tasks apart, as `find` takes it.
pub(super) fn short(id: uuid::Uuid) -> String {
    id.to_string()[..13].to_owned()
}

/// How long ago, or in how long.
pub(super) fn when(time: chrono::DateTime<chrono::Utc>) -> String {
    let since = chrono::Utc::now() - time;
    if since < chrono::Duration::zero() {
        format!("in {}", output::age(-since))
    } else {
        format!("{} ago", output::age(since))
    }
}

/// Lines whose cells stand below each other; the last cell may be of any length.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|at| width(at).unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The first line of a text, and of that as much as fits.
pub(super) fn brief(text: &str, longest: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    match line.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_each_other() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = aligned(&[row(["a", "bcd", "e"]), row(["äöü", "f", ""])]);
        assert_eq!(text, "a    bcd  e\näöü  f");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(brief("äöü\nmore", 3), "äöü");
        assert_eq!(brief("äöüß", 3), "äöü…");
    }
}
