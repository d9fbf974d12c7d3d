//! Rows that are marked as not to be shown, and can be read all the same.

use sqlx::PgConnection;

use super::catalog::Catalogue;
use super::needs::Needs;
use super::relation::{Action, Relation};
use super::{Code, Finding, Level, count, probe};
use crate::error::Result;

/// How many rows are counted to say that there are some.
const MANY: i64 = 1000;

/// Columns that say whether a row is meant to be seen: a name, and what it says of a hidden row.
const NAMES: &[(&str, bool)] = &[
    ("is_visible", false),
    ("visible", false),
    ("is_published", false),
    ("published", false),
    ("draft", true),
    ("is_draft", true),
    ("hidden", true),
    ("is_hidden", true),
];

/// How a relation marks its hidden rows.
pub struct Marker {
    /// The condition that hidden rows meet.
    hidden: String,
    /// The condition that rows meet which may be seen.
    pub shown: String,
    is_readable: bool,
}

impl Marker {
    pub fn of(relation: &Relation) -> Option<Self> {
        let columns = NAMES.iter().filter_map(|(name, hides)| {
            let column = relation.column(name).filter(|column| column.kind == "boolean")?;
            Some((column, *hides))
        });
        let (mut hidden, mut shown, mut is_readable) = (Vec::new(), Vec::new(), true);
        for (column, hides) in columns {
            is_readable &= column.readable;
            hidden.push(format!("{} is {hides}", column.sql));
            let plain = if hides { " is not true" } else { "" };
            shown.push(format!("{}{plain}", column.sql));
        }
        if hidden.is_empty() {
            return None;
        }
        Some(Self { hidden: hidden.join(" or "), shown: shown.join(" and "), is_readable })
    }
}

pub async fn findings(
    conn: &mut PgConnection,
    catalogue: &Catalogue,
    needs: &Needs<'_>,
    reader: &str,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let readable = |one: &&Relation| !one.is_managed() && one.lets(Action::Select);
    for relation in catalogue.all().filter(readable) {
        let Some(marker) = Marker::of(relation).filter(|marker| marker.is_readable) else {
            continue;
        };
        // A server behind the server is not asked for what nobody needs.
        if relation.is_foreign() && needs.get(relation).is_none() {
            continue;
        }
        let sql = format!(
            "select count(*) from (select from {} where {} limit {MANY}) counted",
            relation.sql, marker.hidden
        );
        let found = probe::attempt::<i64>(conn, Some(reader), sql).await?;
        if let Ok(Some(rows @ 1..)) = found {
            findings.push(finding(relation, &marker, rows, needs, reader));
        }
    }
    Ok(findings)
}

fn finding(
    relation: &Relation,
    marker: &Marker,
    rows: i64,
    needs: &Needs,
    reader: &str,
) -> Finding {
    let need = needs.get(relation);
    let rows = if rows >= MANY { format!("{MANY} rows or more") } else { count(rows, "row") };
    let (level, why) = match need {
        Some(need) if need.is_layouts => (Level::Error, "which are not published layouts"),
        Some(need) if need.is_whole => (Level::Error, "which the site would show"),
        _ => (Level::Warning, "which are meant to stay hidden"),
    };
    let message = format!("{reader} reads {rows} where {}, {why}", marker.hidden);
    let finding = Finding::new(level, Code::DraftsVisible, &relation.sql, message);
    if !relation.is_table() {
        return finding.mend(format!("leave them out in its query: where {}", marker.shown));
    }
    if !relation.is_guarded() {
        return finding.mend(format!("first let row-level security hold for {reader} on this table, with a policy using ({})", marker.shown));
    }
    // Beside policies that let too much pass, only a restrictive one helps.
    finding.mend("correct the policy that lets them pass, or add one that holds in any case").sql(
        format!(
            "create policy {} on {} as restrictive for select to {reader} using ({});",
            relation.policy_name("hide"),
            relation.sql,
            marker.shown
        ),
    )
}
