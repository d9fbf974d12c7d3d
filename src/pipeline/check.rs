//! The check: the database as a careful colleague would look at it, the site's rows held against
//! the model, and how much room the free plans leave. Nothing is changed.

mod columns;
mod content;
mod refusals;
mod room;
mod transfer;

use std::collections::HashSet;

use serde::Serialize;
use sqlx::PgConnection;

pub use self::room::{Reads, Room, Usage};
pub use self::transfer::Transfer;
use super::reading;
use crate::config::Config;
use crate::db::check::{self, Inspection, Server};
pub use crate::db::check::{Code, Finding, Level};
use crate::db::migrate::Migrations;
use crate::db::{self, Database};
use crate::error::Result;
use crate::model::Manifests;
use crate::source::{self, Trial};
use crate::theme::Theme;

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Where the data is; never with a password.
    pub database: String,
    pub server: String,
    /// The role that content is read as.
    pub role: String,
    pub checked: Vec<Checked>,
    /// The worst first.
    pub findings: Vec<Finding>,
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    pub room: Room,
}

/// Something that was looked at, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub what: &'static str,
    pub count: usize,
}

/// Looks at the database of a site. The embedded one is first brought up to `content/`, as a build
/// does it.
pub fn check(config: &Config) -> Result<Report> {
    let theme = Theme::load(config)?;
    let files = theme.manifests();
    let manifests = Manifests::parse(
        files.map(|(name, file)| (name, file.origin.as_str(), file.text.as_str())),
    )?;
    db::runtime()?.block_on(async {
        let database = Database::open(&config.database).await?;
        let place = database.describe();
        let report = database
            .with_connection(async |connection| {
                if database.is_embedded() {
                    reading::sync(connection, config).await?;
                }
                look(connection, config, &manifests, place.clone()).await
            })
            .await;
        database.close().await?;
        report
    })
}

async fn look(
    connection: &mut PgConnection,
    config: &Config,
    manifests: &Manifests,
    database: String,
) -> Result<Report> {
    let migrations = Migrations::collect(config)?;
    let mut transaction = check::begin(connection).await?;
    let server = Server::ask(&mut transaction, &config.database.role).await?;
    let trial = if server.can_read {
        source::attempt(&mut transaction, config).await?
    } else {
        Trial::default()
    };
    let refused = refusals::of(&trial);
    let inspection =
        check::inspect(&mut transaction, config, &server, &migrations, &refused).await?;
    transaction
        .rollback()
        .await
        .map_err(|error| db::explain_owner(error, "finishing the check"))?;
    Ok(report(config, manifests, database, &server, trial, inspection))
}

fn report(
    config: &Config,
    manifests: &Manifests,
    database: String,
    server: &Server,
    trial: Trial,
    mut inspection: Inspection,
) -> Report {
    let mut findings = std::mem::take(&mut inspection.findings);
    findings.extend(refusals::findings(&trial, &inspection));
    findings.extend(columns::findings(config, &trial, &inspection.catalogue));
    let room = Room::measure(config, &trial, inspection.sizes);
    findings.extend(room.findings(server.is_supabase));
    let checked = checked(&trial, &inspection);
    if server.can_read {
        findings.extend(content::findings(config, manifests, trial, &inspection));
    }
    findings.sort_by_key(|finding| finding.level);
    // What two collections lead to is one finding.
    let mut seen = HashSet::new();
    findings.retain(|one| seen.insert((one.code, one.subject.clone(), one.message.clone())));
    let of = |level| findings.iter().filter(|one| one.level == level).count();
    Report {
        database,
        server: format!("PostgreSQL {}", server.version),
        role: config.database.role.clone(),
        checked,
        errors: of(Level::Error),
        warnings: of(Level::Warning),
        notes: of(Level::Note),
        findings,
        room,
    }
}

fn checked(trial: &Trial, inspection: &Inspection) -> Vec<Checked> {
    let rows = trial.collections.values().flatten().map(Vec::len).sum();
    let layouts = trial.layouts.iter().flatten().map(Vec::len).sum();
    let of = |what, count| Checked { what, count };
    vec![
        of("migrations", inspection.migrations),
        of("tables and views", inspection.catalogue.all().count()),
        of("needed by the site", inspection.needed),
        of("collections", trial.collections.len()),
        of("rows", rows),
        of("published layouts", layouts),
    ]
}
