//! What the site needs to read, against what its role may read.

use sqlx::PgConnection;

use super::catalog::Catalogue;
use super::drafts::Marker;
use super::needs::{Need, Needs};
use super::relation::{Action, Relation};
use super::{Code, Finding, Level, Server, probe};
use crate::db::names;
use crate::error::Result;

/// How many rows are counted to say that there are some.
const MANY: i64 = 1000;

pub async fn findings(
    conn: &mut PgConnection,
    catalogue: &Catalogue,
    needs: &Needs<'_>,
    server: &Server,
) -> Result<Vec<Finding>> {
    let reader = server.reader.as_str();
    let mut findings = Vec::new();
    let mut closed: Vec<&str> = Vec::new();
    for need in needs.all() {
        let relation = need.relation;
        if !relation.usage && !closed.contains(&relation.schema.as_str()) {
            closed.push(&relation.schema);
            findings.push(schema_closed(need, reader));
        }
        findings.extend(grant_missing(need, reader));
        if relation.is_managed() {
            continue;
        }
        if relation.is_table() {
            findings.extend(table(conn, need, server).await?);
        } else {
            findings.extend(super::views::used(catalogue, need, reader));
        }
    }
    Ok(findings)
}

fn schema_closed(need: &Need, reader: &str) -> Finding {
    let schema = names::quoted(&need.relation.schema);
    let message = format!("{reader} may not look into this schema, which {} reads from", who(need));
    Finding::error(Code::SchemaClosed, &schema, message)
        .sql(format!("grant usage on schema {schema} to {reader};"))
}

/// Whether the reader lacks a right that this takes.
pub fn is_lacking(need: &Need) -> bool {
    !need.relation.usage || lacks_grant(need)
}

/// The tables of a query are only held against the grants where the query was refused: it may
/// read single columns, or go through a function.
fn lacks_grant(need: &Need) -> bool {
    let relation = need.relation;
    let is_open = relation.select
        || (!relation.columns.is_empty() && relation.columns.iter().all(|column| column.readable));
    !is_open && (need.is_whole || (need.is_refused && !relation.select_some))
}

fn grant_missing(need: &Need, reader: &str) -> Option<Finding> {
    let relation = need.relation;
    if !lacks_grant(need) {
        return None;
    }
    let columns: Vec<_> =
        relation.columns.iter().filter(|it| !it.readable).map(|it| it.sql.as_str()).collect();
    let what = if relation.select_some {
        format!("may not read the columns {}", columns.join(", "))
    } else {
        "may not read it".to_owned()
    };
    let message = format!("{reader} {what}, but {} needs to", who(need));
    Some(
        Finding::error(Code::GrantMissing, &relation.sql, message)
            .sql(format!("grant select on {} to {reader};", relation.sql)),
    )
}

/// Row-level security of a table.
async fn table(
    conn: &mut PgConnection,
    need: &Need<'_>,
    server: &Server,
) -> Result<Option<Finding>> {
    let (relation, reader) = (need.relation, server.reader.as_str());
    if !relation.rls {
        return Ok(Some(rls_off(need, server)));
    }
    if relation.is_owned {
        let message = format!(
            "{reader} has the rights of its owner, so its policies do not hold for {reader}"
        );
        return Ok(Some(
            Finding::error(Code::RoleOwnsTable, &relation.sql, message)
                // Forcing policies on the owner would keep them from writing.
                .mend("name a role in database.role that owns nothing"),
        ));
    }
    if relation.has_policy(Action::Select) {
        return Ok(None);
    }
    let count = format!("select count(*) from (select from {} limit {MANY}) counted", relation.sql);
    let rows = probe::attempt::<i64>(conn, None, count).await?.ok().flatten();
    let seen = match rows {
        Some(0) | None => String::new(),
        Some(MANY..) => format!(", though it holds {MANY} rows or more"),
        Some(rows) => format!(", though it holds {}", crate::db::check::count(rows, "row")),
    };
    let message = format!("no policy lets {reader} read a row, so {} shows none{seen}", who(need));
    Ok(Some(
        Finding::warning(Code::PolicyMissing, &relation.sql, message)
            .mend("say which rows may be shown")
            .sql(policy(relation, reader)),
    ))
}

fn rls_off(need: &Need, server: &Server) -> Finding {
    let (relation, reader) = (need.relation, server.reader.as_str());
    let message = format!(
        "row-level security is off on a table that {} reads: who has a grant sees every row",
        who(need)
    );
    let mut sql = format!("alter table {} enable row level security;", relation.sql);
    if !relation.has_policy(Action::Select) {
        sql.push('\n');
        sql.push_str(&policy(relation, reader));
    }
    // A role that no API offers to the public may well be held by its grants alone.
    let level = if server.is_public() { Level::Error } else { Level::Warning };
    Finding::new(level, Code::RlsOff, &relation.sql, message)
        .mend("switch it on, with a policy that says which rows may be shown; other roles that use the table need policies of their own")
        .sql(sql)
}

/// A policy that shows what is meant to be seen, as far as the columns tell.
fn policy(relation: &Relation, reader: &str) -> String {
    let shown = Marker::of(relation).map_or_else(|| "true".to_owned(), |marker| marker.shown);
    format!(
        "create policy {} on {} for select to {reader} using ({shown});",
        relation.policy_name("read"),
        relation.sql
    )
}

/// What reads it, for messages.
pub fn who(need: &Need) -> String {
    let one = match need.readers.first().map(String::as_str) {
        None => "the site".to_owned(),
        Some("") => "[layouts]".to_owned(),
        Some(name) => format!("the collection \"{name}\""),
    };
    match need.readers.len() {
        0 | 1 => one,
        more => format!("{one} (and {} more)", more - 1),
    }
}
