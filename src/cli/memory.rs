//! `frieze memory`: what models were asked and answered, and what was learned of it.

use std::sync::Arc;

use serde_json::json;
use sqlx::PgConnection;
use tokio::sync::Mutex;

use super::enrich::{aligned, brief, short, when};
use super::{Global, output};
use crate::config::{Config, Overrides};
use crate::db::migrate::{self, Migrations};
use crate::db::{self, Database};
use crate::enrich::SharedConnection;
use crate::enrich::ask::Asker;
use crate::enrich::memory::{self, Found, Wanted};
use crate::error::{Error, Result};

/// Look through what models remember, and make them forget
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    Search(SearchArgs),
    List(ListArgs),
    Forget(ForgetArgs),
}

/// Show the memories nearest to some words
#[derive(Debug, clap::Args)]
pub struct SearchArgs {
    /// What to look for, in words
    query: String,
    /// Only memories of tasks of this type; may be said several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,
    /// Let only private providers see the words
    #[arg(long)]
    private: bool,
}

/// Show the last memories, archived ones too
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Only memories of tasks of this type; may be said several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=100_000))]
    limit: u64,
}

/// Delete a memory
#[derive(Debug, clap::Args)]
pub struct ForgetArgs {
    /// A memory's id, or at least the first 8 characters of that
    id: String,
}

pub fn run(global: &Global, command: &Command) -> Result<()> {
    let config = global.config(&Overrides::default())?;
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let mut connection = database.connect().await?;
        if database.is_embedded() {
            migrate::up(&mut connection, &Migrations::collect(&config)?).await?;
        }
        let shared: SharedConnection = Arc::new(Mutex::new(connection));
        let done = act(global, command, &config, &shared).await;
        if let Ok(connection) = Arc::try_unwrap(shared) {
            db::hang_up(connection.into_inner()).await;
        }
        let closed = database.close().await;
        done.and(closed)
    })
}

async fn act(
    global: &Global,
    command: &Command,
    config: &Config,
    shared: &SharedConnection,
) -> Result<()> {
    if !memory::is_there(&mut *shared.lock().await).await? {
        return Err(Error::database("there is no table agent_memory")
            .help("install pgvector on the server, then run `frieze db migrate`"));
    }
    match command {
        Command::Search(args) => search(global, args, config, shared).await,
        Command::List(args) => list(global, args, &mut *shared.lock().await).await,
        Command::Forget(args) => {
            let id = memory::forget(&mut *shared.lock().await, &args.id).await?;
            if global.json {
                return output::json(&json!({"forgotten": id}));
            }
            output::line(&format!("Forgot {id}"))
        }
    }
}

async fn search(
    global: &Global,
    args: &SearchArgs,
    config: &Config,
    shared: &SharedConnection,
) -> Result<()> {
    let asker = Asker::new(&config.enrich, SharedConnection::clone(shared))?;
    let most = size(args.limit);
    let wanted = Wanted { agent: None, types: &args.types, with_private: true, most };
    let searched = asker.search(&args.query, &wanted, args.private).await?;
    asker.end().await?;
    for not in &searched.not_searched {
        let model = &not.embedding_model;
        tracing::warn!("memories with vectors of {model} are not searched: {}", not.why);
    }
    if global.json {
        return output::json(&searched);
    }
    if searched.memories.is_empty() {
        return output::line("No memory was found");
    }
    output::line(&aligned(&searched.memories.iter().map(row).collect::<Vec<_>>()))
}

async fn list(global: &Global, args: &ListArgs, connection: &mut PgConnection) -> Result<()> {
    let memories = memory::list(connection, &args.types, size(args.limit)).await?;
    if global.json {
        return output::json(&json!({"memories": memories}));
    }
    if memories.is_empty() {
        return output::line("There are no memories");
    }
    output::line(&aligned(&memories.iter().map(row).collect::<Vec<_>>()))
}

fn row(found: &Found) -> Vec<String> {
    let mut cells = vec![short(found.id)];
    cells.extend(found.likeness.map(|likeness| format!("{likeness:.3}")));
    let mut kind = found.thought_type.clone();
    for (is_so, word) in
        [(found.is_private, ", private"), (found.archived_at.is_some(), ", archived")]
    {
        kind.push_str(if is_so { word } else { "" });
    }
    cells.extend([when(found.created_at), found.agent_id.clone(), kind]);
    cells.push(brief(&found.content, 120));
    cells
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_is_a_line() {
        let found = json!({"id": "0123abcd-4567-89ab-cdef-0123456789ab", "agent_id": "seo_meta",
            "thought_type": "observation", "content": "title: Tidebook → Harbours\nmore",
            "embedding_model": "m", "is_private": true, "created_at": chrono::Utc::now(),
            "archived_at": null, "likeness": 0.51249, "score": 0.5});
        let found: Found = serde_json::from_value(found).unwrap();
        assert_eq!(
            row(&found),
            [
                "0123abcd-4567",
                "0.512",
                "0 seconds ago",
                "seo_meta",
                "observation, private",
                "title: Tidebook → Harbours"
            ]
        );
    }
}
