//! What the role can read or write and the site does not need.

use sqlx::PgConnection;

use super::catalog::Catalogue;
use super::needs::Needs;
use super::relation::{Action, Relation};
use super::{Code, Finding, Level, probe, views};
use crate::error::Result;

/// Who looks, and which tables are whose.
pub struct View<'a> {
    pub catalogue: &'a Catalogue,
    pub needs: &'a Needs<'a>,
    /// The reading role, as SQL names it.
    pub reader: &'a str,
    /// The engine's tables in `public`.
    pub engine: &'a [&'static str],
}

pub async fn findings(conn: &mut PgConnection, view: &View<'_>) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let (mut too, mut truncate, mut owned) = (Vec::new(), Vec::new(), Vec::new());
    for relation in view.catalogue.all().filter(|one| one.usage && !one.is_managed()) {
        if relation.is_owned {
            owned.push(relation);
            continue;
        }
        if view.is_engine(relation) && view.needs.get(relation).is_none() {
            findings.extend(engine_open(conn, view, relation).await?);
            findings.extend(engine_unguarded(relation));
            continue;
        }
        if let Some(finding) = view.written(relation) {
            findings.push(finding);
        } else if relation.truncate && !relation.is_view() {
            truncate.push(relation);
        }
        if view.needs.get(relation).is_some() {
            continue;
        }
        if let Some(finding) = view.read(relation) {
            findings.push(finding);
        } else if relation.lets(Action::Select) && !relation.is_partition {
            too.push(relation);
        }
    }
    findings.extend(view.owned(&owned));
    findings.extend(truncate_granted(&truncate, view.reader));
    findings.extend(readable_too(conn, &too, view.reader).await?);
    Ok(findings)
}

impl View<'_> {
    fn is_engine(&self, relation: &Relation) -> bool {
        let is_listed = self.engine.contains(&relation.name.as_str());
        relation.schema == "frieze" || (relation.schema == "public" && is_listed)
    }

    /// An owner may do anything: that is one finding, not one for each right.
    fn owned(&self, relations: &[&Relation]) -> Option<Finding> {
        // Those that the site reads have their own.
        let is_told = |one: &Relation| one.is_guardable() && self.needs.get(one).is_some();
        let rest = relations.iter().filter(|one| !is_told(one));
        let names: Vec<_> = rest.map(|one| one.sql.as_str()).collect();
        if names.is_empty() {
            return None;
        }
        let reader = self.reader;
        let message = format!(
            "{reader} has the rights of the owner of {}: it reads and writes every row",
            names.join(", ")
        );
        let finding = Finding::error(Code::RoleOwnsTable, reader, message);
        Some(finding.mend("name a role in database.role that owns nothing"))
    }

    /// What is wrong with reading something that the site does not need.
    fn read(&self, relation: &Relation) -> Option<Finding> {
        let reader = self.reader;
        if !relation.is_table() {
            return views::unused(self.catalogue, relation, reader);
        }
        if relation.is_guarded() || !relation.lets(Action::Select) {
            return None;
        }
        let message = format!(
            "{reader} reads every row, though the site does not: row-level security does not hold"
        );
        Some(
            Finding::warning(Code::TableOpen, &relation.sql, message)
                .mend(
                    "take the right away, or switch row-level security on if others need the table",
                )
                .sql(relation.revoke("select", reader)),
        )
    }

    /// What is wrong with who may write.
    fn written(&self, relation: &Relation) -> Option<Finding> {
        let actions: Vec<_> =
            Action::WRITES.into_iter().filter(|action| relation.lets(*action)).collect();
        if actions.is_empty() {
            return None;
        }
        let names = actions.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
        let revoke = relation.revoke("insert, update, delete, truncate", self.reader);
        let is_needed = self.needs.get(relation).is_some();
        if !relation.is_guarded() {
            let through = if relation.is_view() {
                ", with the rights of the view's owner".to_owned()
            } else {
                String::new()
            };
            let message =
                format!("{} may {names} rows, and no policy has a say{through}", self.reader);
            return Some(Finding::error(Code::Writable, &relation.sql, message).sql(revoke));
        }
        // Sending something in, as a form does, is what such a policy is for.
        let is_form = !is_needed && actions == [Action::Insert];
        let level = if is_form { Level::Note } else { Level::Warning };
        let message = format!("a policy lets {} {names} rows", self.reader);
        let finding = Finding::new(level, Code::WritableByPolicy, &relation.sql, message);
        Some(finding.mend("if that is not meant, take the right away").sql(revoke))
    }
}

/// Nothing of the engine is anybody's business.
async fn engine_open(
    conn: &mut PgConnection,
    view: &View<'_>,
    relation: &Relation,
) -> Result<Option<Finding>> {
    let all = [Action::Select, Action::Insert, Action::Update, Action::Delete];
    let mut rights: Vec<_> =
        all.into_iter().filter(|it| relation.grants(*it)).map(Action::name).collect();
    if relation.truncate {
        rights.push("truncate");
    }
    if rights.is_empty() {
        return Ok(None);
    }
    let sql = format!("select 1 from {} limit 1", relation.sql);
    let row = probe::attempt::<i32>(conn, Some(view.reader), sql).await?;
    let found = match row {
        Ok(Some(_)) => "and reads its rows",
        Ok(None) => "and reads none of its rows today",
        Err(_) => "and cannot read it",
    };
    let message = format!("{} may {} on an engine table, {found}", view.reader, rights.join(", "));
    let finding = Finding::error(Code::EngineOpen, &relation.sql, message);
    Ok(Some(finding.sql(relation.revoke("all", view.reader))))
}

/// Whoever logs in has grants on these tables, which only policies hold.
fn engine_unguarded(relation: &Relation) -> Option<Finding> {
    if relation.rls || relation.schema != "public" {
        return None;
    }
    let message = "row-level security is off on an engine table: who has a grant, as everybody who logs in has, reads and writes every row";
    let finding = Finding::error(Code::RlsOff, &relation.sql, message);
    Some(finding.sql(format!("alter table {} enable row level security;", relation.sql)))
}

/// `truncate` asks no policy.
fn truncate_granted(tables: &[&Relation], reader: &str) -> Option<Finding> {
    if tables.is_empty() {
        return None;
    }
    let names: Vec<_> = tables.iter().map(|table| table.sql.as_str()).collect();
    let revokes: Vec<_> = tables.iter().map(|table| table.revoke("truncate", reader)).collect();
    let message = format!("{reader} may empty {}: truncate asks no policy", names.join(", "));
    Some(Finding::warning(Code::TruncateGranted, reader, message).sql(revokes.join("\n")))
}

/// Policies say so, but somebody may like to know.
async fn readable_too(
    conn: &mut PgConnection,
    tables: &[&Relation],
    reader: &str,
) -> Result<Option<Finding>> {
    let mut names = Vec::new();
    for table in tables.iter().filter(|table| !table.is_foreign()) {
        let sql = format!("select 1 from {} limit 1", table.sql);
        if let Ok(Some(_)) = probe::attempt::<i32>(conn, Some(reader), sql).await? {
            names.push(table.sql.as_str());
        }
    }
    if names.is_empty() {
        return Ok(None);
    }
    let message = format!(
        "{reader} also reads rows of {}, as their policies or grants say; the site does not need them",
        names.join(", ")
    );
    Ok(Some(Finding::note(Code::ReadableToo, reader, message)))
}
