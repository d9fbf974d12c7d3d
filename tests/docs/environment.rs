//! `.env.example` against docs/configuration.md and the source: every variable, once, harmless.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::page::{codes, part, read, root, table};

const FILE: &str = ".env.example";
const PAGE: &str = "docs/configuration.md";

/// The variables that are ours or that we hand on; hosts set others themselves, such as NETLIFY.
const PREFIXES: [&str; 10] = [
    "DATABASE_",
    "DEPLOY_",
    "FRIEZE_",
    "SUPABASE_",
    "AWS_",
    "PG",
    "RUST_",
    "GROQ_",
    "HF_",
    "OTEL_",
];

/// The lines that hold a variable, without the `# ` that switches them off.
fn variables(text: &str) -> Vec<(&str, &str)> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("# ")?.split_once('='));
    lines.filter(|(name, _)| is_name(name)).collect()
}

fn is_name(text: &str) -> bool {
    text.len() > 3 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn documented() -> BTreeSet<String> {
    let rows = table(&part(&read(PAGE), "Environment"), "variable");
    let names = rows.iter().flat_map(|row| codes(&row["variable"]).into_iter().map(str::to_owned));
    names.collect()
}

#[test]
fn the_example_has_every_documented_variable_once_and_no_other() {
    let text = read(FILE);
    let names: Vec<_> = variables(&text).into_iter().map(|(name, _)| name.to_owned()).collect();
    let unique: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(names.len(), unique.len(), "{FILE} has one twice: {names:?}");
    assert_eq!(unique, documented(), "{FILE} and {PAGE}");
}

#[test]
fn every_variable_of_the_source_is_documented() {
    let documented = documented();
    let mut found = BTreeSet::new();
    names_below(&root().join("src"), &mut found);
    for name in
        ["DATABASE_URL", "FRIEZE_BASE_URL", "AWS_REGION", "GROQ_API_KEY", "OTEL_SDK_DISABLED"]
    {
        assert!(found.contains(name), "the search finds no {name}");
    }
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(missing.is_empty(), "not in {PAGE}: {missing:?}");
}

/// Names in quotes, of every file of the program that is not a test.
fn names_below(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        let stem = path.file_stem().and_then(OsStr::to_str).expect("its name").to_owned();
        if stem.ends_with("tests") {
            continue;
        }
        if path.is_dir() {
            names_below(&path, names);
            continue;
        }
        let text = read(&path);
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let ours = |name: &&str| is_name(name) && PREFIXES.iter().any(|it| name.starts_with(it));
        names.extend(code.split('"').filter(ours).map(str::to_owned));
    }
}

/// Copied as it is, the file changes nothing; with every line switched on, a shell can read it.
#[test]
fn a_shell_can_load_it_and_nothing_is_set_until_asked_for() {
    let text = read(FILE);
    let set = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(set.collect::<Vec<_>>(), Vec::<&str>::new());

    let variables = variables(&text);
    let set: String = variables.iter().flat_map(|(name, to)| [*name, "=", *to, "\n"]).collect();
    let print: String =
        variables.iter().flat_map(|(name, _)| ["echo \"$", *name, "\"\n"]).collect();
    let output = Command::new("sh").args(["-euc", &(set + &print)]).output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("text");
    let values = variables.iter().map(|(_, value)| value.trim_matches('\''));
    assert!(printed.lines().eq(values), "{printed}");
}
