//! What shows rows past the policies of the tables below: views, materialized views, foreign tables.

use super::access::who;
use super::catalog::Catalogue;
use super::needs::Need;
use super::relation::{Action, Relation};
use super::{Code, Finding, Level};

/// Findings about something that the site reads and that is no table.
pub fn used(catalogue: &Catalogue, need: &Need, reader: &str) -> Vec<Finding> {
    let relation = need.relation;
    let reads = format!("{} reads it", who(need));
    if !relation.is_view() {
        return vec![without_policies(relation, &reads)];
    }
    let mut findings: Vec<_> =
        passes_policies(catalogue, relation, Level::Error, &reads, reader).into_iter().collect();
    // A view in a view asks with its own owner's rights, whoever asks the outer one.
    for inner in catalogue.below(relation) {
        if inner.is_view() {
            findings.extend(passes_policies(catalogue, inner, Level::Error, &reads, reader));
        } else if inner.is_materialized() {
            findings.push(without_policies(inner, &format!("{reads} through {}", relation.sql)));
        }
    }
    findings
}

/// Findings about something that the role can read and the site does not need.
pub fn unused(catalogue: &Catalogue, relation: &Relation, reader: &str) -> Option<Finding> {
    if !relation.lets(Action::Select) {
        return None;
    }
    let reads = format!("{reader} can read it, though the site does not");
    if relation.is_view() {
        return passes_policies(catalogue, relation, Level::Warning, &reads, reader);
    }
    Some(without_policies(relation, &reads).sql(relation.revoke("select", reader)))
}

fn passes_policies(
    catalogue: &Catalogue,
    view: &Relation,
    level: Level,
    reads: &str,
    reader: &str,
) -> Option<Finding> {
    if view.is_invoker {
        return None;
    }
    let below = catalogue.below(view);
    let guarded: Vec<_> =
        below.iter().filter(|one| one.is_table() && one.rls).map(|one| one.sql.as_str()).collect();
    if guarded.is_empty() {
        return None;
    }
    let message = format!(
        "this view asks with its owner's rights, so the policies of {} do not hold; {reads}",
        guarded.join(", ")
    );
    let mend = format!(
        "let it ask with the reader's rights (from Postgres 15 on); {reader} then needs select on {} too",
        guarded.join(", ")
    );
    Some(
        Finding::new(level, Code::ViewPassesPolicies, &view.sql, message)
            .mend(mend)
            .sql(format!("alter view {} set (security_invoker = true);", view.sql)),
    )
}

/// Materialized views and foreign tables cannot have policies.
fn without_policies(relation: &Relation, reads: &str) -> Finding {
    let kind = if relation.is_materialized() { "a materialized view" } else { "a foreign table" };
    let message =
        format!("{kind} has no row-level security: who has a grant sees every row; {reads}");
    Finding::warning(Code::WithoutPolicies, &relation.sql, message)
        .mend("see that it holds nothing that must stay hidden, or read a view with security_invoker instead")
}
