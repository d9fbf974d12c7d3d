//! `frieze db`: what is done to the database rather than to the site.

mod check;
mod export;
mod migrations;
mod seed;

use sqlx::PgConnection;

use super::{Global, output};
use crate::config::{Config, Overrides};
use crate::db::migrate::{self, Migrations};
use crate::db::{self, Database};
use crate::error::{Error, Result};

/// Look after the database
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Bring the tables up to date
    Migrate,
    /// Undo the last migrations
    Rollback {
        /// How many to undo
        #[arg(long, default_value_t = 1)]
        steps: usize,
        /// Do it on a server of your own too, where the rows in the tables are lost
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied
    Status,
    /// Write content/ into the database; only rows that differ are changed
    Seed(seed::Args),
    /// Write the database's content back into files: a backup that fits in git
    Export(export::Args),
    Check(check::Args),
    /// Write the migrations as files that the Supabase CLI runs
    Migrations(migrations::Args),
    /// Delete the embedded database; the next build makes it again from content/
    Reset,
}

pub fn run(global: &Global, command: &Command) -> Result<()> {
    let config = global.config(&Overrides::default())?;
    if matches!(command, Command::Reset) {
        Database::reset(&config.database)?;
        return say(global, &serde_json::json!({"reset": true}), "The embedded database is gone");
    }
    if let Command::Check(args) = command {
        return check::run(global, &config, args);
    }
    if let Command::Migrations(args) = command {
        return migrations::run(global, args, &config);
    }
    if let Command::Export(args) = command {
        export::refuse_own_source(args, &config)?;
    }
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let mut connection = match command {
            Command::Migrate | Command::Rollback { .. } => database.connect_to_migrate().await?,
            _ => database.connect().await?,
        };
        let done = act(global, command, &config, &database, &mut connection).await;
        db::hang_up(connection).await;
        let closed = database.close().await;
        done.and(closed)
    })
}

async fn act(
    global: &Global,
    command: &Command,
    config: &Config,
    database: &Database,
    connection: &mut PgConnection,
) -> Result<()> {
    let migrations = Migrations::collect(config)?;
    let place = database.describe();
    match command {
        Command::Migrate => {
            let applied = migrate::up(connection, &migrations).await?;
            report_steps(global, &applied, "Applied", &place)
        }
        Command::Rollback { yes: false, .. } if !database.is_embedded() => Err(unsure(&place)),
        Command::Rollback { steps, .. } => {
            let applied = migrate::rollback(connection, &migrations, *steps).await?;
            report_steps(global, &applied, "Undid", &place)
        }
        Command::Status => {
            report_status(global, &migrate::status(connection, &migrations).await?, &place)
        }
        Command::Seed(args) => {
            if database.is_embedded() {
                let content = seed::read(config)?;
                migrate::up(connection, &migrations).await?;
                return seed::run(global, args, &content, connection, database).await;
            }
            seed::run(global, args, &seed::read(config)?, connection, database).await
        }
        Command::Export(args) => {
            export::run(global, args, config, &migrations, connection, &place).await
        }
        Command::Reset | Command::Check(_) | Command::Migrations(_) => Ok(()),
    }
}

/// The embedded database is made again from `content/`; a server's rows are not.
fn unsure(place: &str) -> Error {
    Error::database(format!("undoing migrations in {place} drops tables with the rows in them"))
        .help("make a backup, then say --yes")
}

fn say(global: &Global, value: &serde_json::Value, text: &str) -> Result<()> {
    if global.json { output::json(value) } else { output::line(text) }
}

fn report_steps(
    global: &Global,
    applied: &migrate::Applied,
    verb: &str,
    place: &str,
) -> Result<()> {
    let names: Vec<_> = applied.steps.iter().map(|step| step.name.as_str()).collect();
    let skipped: Vec<_> =
        applied.skipped.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let value = serde_json::json!({"database": place, "migrations": names, "skipped": skipped});
    let mut text = match names.len() {
        0 => format!("Nothing to do in {place}"),
        n => format!(
            "{verb} {} in {place}:\n  {}",
            output::count(n, "migration"),
            names.join("\n  ")
        ),
    };
    for line in &skipped {
        text.push_str("\nSkipped ");
        text.push_str(line);
    }
    say(global, &value, &text)
}

fn report_status(global: &Global, list: &[migrate::Status], place: &str) -> Result<()> {
    let word = |state: &migrate::State| match state {
        migrate::State::Applied => "applied",
        migrate::State::Pending => "pending",
        migrate::State::Changed => "changed",
        migrate::State::Unknown => "unknown",
    };
    let rows: Vec<_> = list
        .iter()
        .map(|one| serde_json::json!({"version": one.version, "name": one.name, "state": word(&one.state)}))
        .collect();
    let lines = list.iter().map(|one| format!("  {:8} {}", word(&one.state), one.name));
    let text = format!("Migrations in {place}:\n{}", lines.collect::<Vec<_>>().join("\n"));
    say(global, &serde_json::json!({"database": place, "migrations": rows}), &text)
}
