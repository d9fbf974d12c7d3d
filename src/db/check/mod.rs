//! What a careful colleague looks at in a database: shape, rights, policies, views and sizes. It
//! only looks: all of it happens in a transaction that may not write.

mod access;
mod catalog;
mod drafts;
mod exposure;
mod finding;
mod migrations;
mod needs;
mod others;
mod probe;
mod relation;
mod server;
mod shape;
mod sizes;
mod views;
mod words;

use std::collections::HashSet;

use sqlx::PgConnection;

pub use self::catalog::Catalogue;
use self::exposure::View;
pub use self::finding::{Code, Finding, Level};
use self::migrations::Progress;
use self::needs::Needs;
pub use self::needs::Refused;
pub use self::probe::begin;
pub use self::relation::Relation;
pub use self::server::Server;
pub use self::sizes::Sizes;
use super::errors::Explain as _;
use super::migrate::Migrations;
use crate::config::Config;
use crate::error::Result;

/// What was seen of a database.
#[derive(Debug)]
pub struct Inspection {
    pub findings: Vec<Finding>,
    pub catalogue: Catalogue,
    pub sizes: Sizes,
    /// Whether the site's own tables are still to be made: what is missing is then no news.
    pub is_unmigrated: bool,
    pub has_pending: bool,
    /// How many migrations, and relations that the site reads, were looked at.
    pub migrations: usize,
    pub needed: usize,
    /// Collections whose table is not there, with its name; the layouts are one named "".
    pub missing: Vec<(String, String)>,
    /// Collections that lack a right, which explains why they were refused.
    pub lacking: HashSet<String>,
}

/// Looks at everything but rows; `refused` are the reads that failed under the role.
pub async fn inspect(
    conn: &mut PgConnection,
    config: &Config,
    server: &Server,
    migrations: &Migrations,
    refused: &Refused,
) -> Result<Inspection> {
    let catalogue = Catalogue::load(conn, &config.database.role).await?;
    let progress = Progress::ask(conn, migrations).await?;
    let mut findings = role(server, config, &progress);
    findings.extend(migrations::findings(conn, &progress, migrations).await?);
    findings.extend(shape::findings(&catalogue, &progress, migrations));
    let needs = Needs::gather(conn, &catalogue, config, refused).await?;
    // Of a role that is above all rules, every rule would be broken.
    if server.can_read && !server.is_above {
        findings.extend(access::findings(conn, &catalogue, &needs, server).await?);
        findings.extend(drafts::findings(conn, &catalogue, &needs, &server.reader).await?);
        let engine = shape::engine_tables(&progress, migrations);
        let view =
            View { catalogue: &catalogue, needs: &needs, reader: &server.reader, engine: &engine };
        findings.extend(exposure::findings(conn, &view).await?);
        findings.extend(others::findings(conn, &config.database.role, &server.reader).await?);
    }
    if server.number < 150_000 {
        findings.iter_mut().for_each(without_invoker);
    }
    let lacking = needs.all().filter(|need| access::is_lacking(need));
    let lacking = lacking.flat_map(|need| need.readers.clone()).collect();
    let (needed, missing) = (needs.all().count(), needs.missing);
    Ok(Inspection {
        findings,
        sizes: Sizes::ask(conn).await?,
        is_unmigrated: progress.is_unmigrated,
        has_pending: progress.has_pending(),
        migrations: progress.list.len(),
        needed,
        missing,
        lacking,
        catalogue,
    })
}

/// Before Postgres 15 no view asks with the reader's rights.
fn without_invoker(finding: &mut Finding) {
    if finding.code == Code::ViewPassesPolicies.name() {
        finding.sql = None;
        finding.mend = Some("security_invoker came with Postgres 15: update the server, or put what the policies say into the view's query".to_owned());
    }
}

/// Migrations make the role `anon` too, so that it is not missed before them.
fn role(server: &Server, config: &Config, progress: &Progress) -> Vec<Finding> {
    let mut findings = server.findings();
    if progress.is_unmigrated && config.database.role == "anon" {
        findings.retain(|finding| finding.code == Code::RoleAboveRules.name());
    }
    findings
}

/// The extensions this server could have.
async fn server_extensions(conn: &mut PgConnection) -> Result<HashSet<String>> {
    let names: Vec<String> = sqlx::query_scalar("select name::text from pg_available_extensions")
        .persistent(false)
        .fetch_all(conn)
        .await
        .or_explain("listing the server's extensions")?;
    Ok(names.into_iter().collect())
}

/// "1 row", "2 rows".
fn count(number: i64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
