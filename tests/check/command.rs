//! The command: what it prints, and how it ends.

use std::collections::BTreeSet;

use frieze::db::check::Code;
use serde_json::Value;

use crate::support::Bench;

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn exit_codes_are_for_scripts() {
    let bench = Bench::sample();
    let run = bench.run(&["db", "check", "--strict"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(run.stdout.ends_with("\n0 errors, 0 warnings\n"), "{}", run.stdout);

    bench.sql("grant truncate on skills to anon");
    assert_eq!(bench.run(&["db", "check"]).code, 0);
    let strict = bench.run(&["db", "check", "--strict"]);
    assert_eq!(strict.code, 4);
    assert!(strict.stderr.contains("found 0 errors, 1 warning"), "{}", strict.stderr);

    bench.sql("alter table skills disable row level security");
    let run = bench.run(&["db", "check"]);
    assert_eq!(run.code, 4);
    assert!(run.stdout.contains("\n  rls-off  public.skills\n"), "{}", run.stdout);
    assert!(
        run.stdout.contains("\n      alter table public.skills enable row level security;\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.ends_with("\n1 error, 1 warning\n"), "{}", run.stdout);
}

#[test]
fn json_is_one_value_whatever_was_found() {
    let bench = Bench::with("revoke select on skills from anon");
    let run = bench.run(&["db", "check", "--json"]);
    assert_eq!(run.code, 4);
    let report = json(&run.stdout);
    assert_eq!((&report["errors"], &report["warnings"]), (&1.into(), &0.into()));
    let finding = &report["findings"][0];
    assert_eq!(finding["level"], "error");
    assert_eq!(finding["code"], "grant-missing");
    assert_eq!(finding["sql"], "grant select on public.skills to anon;");
    assert!(report["room"]["database"]["bytes"].as_u64().unwrap() > 1_000_000);
    assert_eq!(report["room"]["transfer"], Value::Null);
    assert_eq!(report["checked"][0]["what"], "migrations");
    let error = json(&run.stderr);
    assert_eq!(error["error"]["code"], 4);
    assert_eq!(error["error"]["kind"], "database");
}

/// docs/database.md explains every code, and no other.
#[test]
fn every_code_is_documented() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/database.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, part) = page.split_once("\n## Checking\n").unwrap();
    let part = part.split("\n## ").next().unwrap();
    let rows = part.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let known: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!(rows.collect::<BTreeSet<_>>(), known);
}
