//! Reads that a build would make, and that the server refused.

use super::{Code, Finding, Inspection};
use crate::db::check::Refused;
use crate::error::{Error, nearest};
use crate::source::Trial;

pub fn of(trial: &Trial) -> Refused {
    let refused = trial.collections.iter().filter(|(_, rows)| rows.is_err());
    Refused {
        collections: refused.map(|(name, _)| name.clone()).collect(),
        layouts: matches!(trial.layouts, Some(Err(_))),
    }
}

pub fn findings(trial: &Trial, inspection: &Inspection) -> Vec<Finding> {
    let collections =
        trial.collections.iter().map(|(name, rows)| (name.as_str(), rows.as_ref().err()));
    let layouts = trial.layouts.iter().map(|rows| ("", rows.as_ref().err()));
    let mut findings = Vec::new();
    for (name, error) in collections.chain(layouts) {
        let Some(error) = error else { continue };
        if let Some(table) = absent(name, error, inspection) {
            // Nothing is migrated: that is one finding already.
            findings.extend((!inspection.is_unmigrated).then(|| missing(name, table, inspection)));
        } else if !is_explained(name, error, inspection) {
            findings.push(unreadable(name, error));
        }
    }
    findings
}

/// The table that is not there, if that is why.
fn absent<'a>(name: &str, error: &Error, inspection: &'a Inspection) -> Option<&'a str> {
    let (_, table) = inspection.missing.iter().find(|(missing, _)| missing == name)?;
    // No such table, no such schema.
    says(error, &["(42P01)", "(3F000)"]).then_some(table)
}

fn says(error: &Error, codes: &[&str]) -> bool {
    error.chain().iter().any(|message| codes.iter().any(|code| message.contains(code)))
}

/// Whether rights that were found lacking are why.
fn is_explained(name: &str, error: &Error, inspection: &Inspection) -> bool {
    says(error, &["(42501)"]) && inspection.lacking.contains(name)
}

fn subject(name: &str) -> String {
    if name.is_empty() { "layouts".to_owned() } else { format!("collections.{name}") }
}

fn missing(name: &str, table: &str, inspection: &Inspection) -> Finding {
    let message = format!("it reads {table}, which is not there");
    let names: Vec<String> =
        inspection.catalogue.all().map(crate::db::check::Relation::short_name).collect();
    let near = nearest(table, names.iter().map(String::as_str));
    let mend = match near {
        _ if inspection.has_pending => {
            "run `frieze db migrate`, or correct the name in frieze.toml".to_owned()
        }
        Some(near) => format!("did you mean {near}? Otherwise add a migration that creates it"),
        None => "correct the name in frieze.toml, or add a migration that creates it".to_owned(),
    };
    Finding::error(Code::CollectionMissing, subject(name), message).mend(mend)
}

fn unreadable(name: &str, error: &Error) -> Finding {
    let message = error.chain().join(": ");
    let finding = Finding::error(Code::CollectionUnreadable, subject(name), message);
    match error.help_text() {
        Some(help) => finding.mend(help),
        None => finding.mend("correct the query or its order_by in frieze.toml"),
    }
}
