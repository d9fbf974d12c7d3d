//! Which migrations are applied, as findings.

use sqlx::{Connection as _, PgConnection};

use super::{Code, Finding, Level};
use crate::db::errors::Explain as _;
use crate::db::migrate::{self, Migrations, Origin, State, Status};
use crate::error::Result;

const MIGRATE: &str = "run `frieze db migrate`";

/// What the record of migrations says.
#[derive(Debug, Default)]
pub struct Progress {
    pub list: Vec<Status>,
    /// Whether the record could be read.
    pub is_known: bool,
    /// Whether nothing was ever applied, though the site wants tables of its own or of a kit.
    pub is_unmigrated: bool,
}

impl Progress {
    pub async fn ask(conn: &mut PgConnection, migrations: &Migrations) -> Result<Self> {
        let doing = "reading the record of migrations";
        let mut savepoint = conn.begin().await.or_explain(doing)?;
        let list = migrate::status(&mut savepoint, migrations).await;
        savepoint.rollback().await.or_explain(doing)?;
        let Ok(list) = list else { return Ok(Self::default()) };
        let is_empty = list.iter().all(|one| one.state == State::Pending);
        let wants = migrations.active().any(|entry| !is_engine(&entry.origin));
        Ok(Self { list, is_known: true, is_unmigrated: is_empty && wants })
    }

    /// Whether a migration was applied to this database.
    pub fn has(&self, version: i64) -> bool {
        let mut applied = self.list.iter().filter(|one| one.state != State::Pending);
        applied.any(|one| one.version == version)
    }

    fn is_empty(&self) -> bool {
        self.list.iter().all(|one| one.state == State::Pending)
    }

    pub fn has_pending(&self) -> bool {
        self.list.iter().any(|one| one.state == State::Pending)
    }
}

pub fn is_engine(origin: &Origin) -> bool {
    matches!(origin, Origin::BuiltIn(kit) if kit == migrate::ENGINE)
}

pub async fn findings(
    conn: &mut PgConnection,
    progress: &Progress,
    migrations: &Migrations,
) -> Result<Vec<Finding>> {
    if !progress.is_known {
        let message = "the record of migrations cannot be read by this user";
        return Ok(vec![
            Finding::note(Code::MigrationsUnreadable, "frieze.migrations", message)
                .mend("run the check as the database's owner to see whether all are applied"),
        ]);
    }
    if progress.is_empty() {
        return Ok(vec![untouched(progress)]);
    }
    let extensions = super::server_extensions(conn).await?;
    let mut findings = Vec::new();
    for one in &progress.list {
        let needs = migrations
            .all()
            .find(|entry| entry.version == one.version)
            .and_then(|entry| entry.needs.as_ref());
        let lacking = needs.filter(|name| !extensions.contains(*name));
        findings.extend(finding(one, lacking));
    }
    Ok(findings)
}

/// Nothing of frieze is here yet.
fn untouched(progress: &Progress) -> Finding {
    let (level, message, mend) = if progress.is_unmigrated {
        let mend = "run `frieze db migrate`; if the site needs none of the kits' tables, write kits = [] in [database]";
        (Level::Error, "no migration has been applied: the site's tables are not there yet", mend)
    } else {
        let message = "no migration has been applied; the site reads tables of its own, so none is needed for a build";
        (Level::Note, message, "run `frieze db migrate` where you want frieze's own tables")
    };
    Finding::new(level, Code::NotMigrated, "frieze.migrations", message).mend(mend)
}

fn finding(one: &Status, lacking: Option<&String>) -> Option<Finding> {
    let name = one.name.as_str();
    Some(match (one.state, lacking) {
        (State::Applied, _) => return None,
        (State::Pending, Some(extension)) => {
            let message = format!("skipped: this server has no extension \"{extension}\"");
            Finding::note(Code::MigrationSkipped, name, message)
                .mend("a site is built without it; install the extension to have its tables")
        }
        (State::Pending, None) => {
            Finding::error(Code::MigrationPending, name, "not applied yet").mend(MIGRATE)
        }
        (State::Changed, _) => Finding::warning(
            Code::MigrationChanged,
            name,
            "its file was changed after it was applied",
        )
        .mend("undo the change, and put it into a new migration"),
        (State::Unknown, _) => Finding::warning(
            Code::MigrationUnknown,
            name,
            "applied, but there is no such file",
        )
        .mend(
            "a newer frieze applied it, or the file is gone: update frieze, or bring the file back",
        ),
    })
}
