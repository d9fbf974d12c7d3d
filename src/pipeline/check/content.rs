//! Rows and layouts held against the model: every problem, where a build stops at the first.

use std::collections::HashSet;

use super::{Code, Finding, Inspection, Level};
use crate::config::Config;
use crate::error::Kind;
use crate::model::{self, Fault, Manifests, Problem};
use crate::source::{LayoutRow, Snapshot, Trial};

pub fn findings(
    config: &Config,
    manifests: &Manifests,
    trial: Trial,
    inspection: &Inspection,
) -> Vec<Finding> {
    let is_whole = trial.collections.values().all(Result::is_ok)
        && trial.layouts.as_ref().is_none_or(Result::is_ok)
        && !inspection.is_unmigrated;
    let mut findings = Vec::new();
    let (latest, older) = versions(trial.layouts.into_iter().flatten().flatten(), &mut findings);
    for row in older {
        let page = subject(&row);
        for what in model::layout_problems(row, config, manifests) {
            let message = format!("{what}; a newer version is in use");
            let finding = Finding::warning(Code::LayoutInvalid, &page, message);
            findings.push(finding.mend("mend it in the editor, or unpublish this version"));
        }
    }
    let rows = trial.collections.into_iter().filter_map(|(name, rows)| Some((name, rows.ok()?)));
    let snapshot = Snapshot { collections: rows.collect(), layouts: latest, ..Snapshot::default() };
    let problems = model::problems(snapshot, config, manifests);
    // A front page with mistakes is none to the model, but it is there.
    let is_layout = |problem: &Problem| problem.fault == Fault::Layout;
    let is_whole = is_whole && !problems.iter().any(is_layout);
    findings.extend(problems.into_iter().filter_map(|problem| finding(problem, is_whole)));
    findings
}

/// The version in use of each page, and the published ones behind it.
fn versions(
    rows: impl Iterator<Item = LayoutRow>,
    findings: &mut Vec<Finding>,
) -> (Vec<LayoutRow>, Vec<LayoutRow>) {
    let (mut pages, mut seen) = (HashSet::new(), HashSet::new());
    let (mut latest, mut older) = (Vec::new(), Vec::new());
    for row in rows {
        if !seen.insert((row.page.clone(), row.version)) {
            let message = "published twice: which of the two is shown is left to chance";
            findings.push(
                Finding::new(Level::Error, Code::LayoutTwice, subject(&row), message)
                    .mend("unpublish one of them, or give it another version"),
            );
        }
        if pages.insert(row.page.clone()) { latest.push(row) } else { older.push(row) }
    }
    (latest, older)
}

fn subject(row: &LayoutRow) -> String {
    format!("page \"{}\" version {}", row.page, row.version)
}

/// What is missing in a site that could only be read in part says nothing.
fn finding(problem: Problem, is_whole: bool) -> Option<Finding> {
    let Problem { fault, subject, error } = problem;
    // Columns that are not there are findings of their own.
    if error.kind() == Kind::Config {
        return None;
    }
    let code = match fault {
        Fault::Layout => Code::LayoutInvalid,
        Fault::Slug => Code::SlugInvalid,
        Fault::Path => Code::PathTaken,
        Fault::Home if !is_whole => return None,
        Fault::Home => Code::HomeMissing,
        Fault::Other => Code::CollectionUnreadable,
    };
    let finding = Finding::error(code, subject, error.chain().join(": "));
    Some(match error.help_text() {
        Some(help) => finding.mend(help),
        None => finding,
    })
}
