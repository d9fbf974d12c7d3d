//! docs/command-line.md against what `--help` prints, and the exit codes against the program's own.

use std::collections::BTreeSet;
use std::process::Command;

use frieze::error::Kind;

use crate::page::{code, codes, part, read, table};

const PAGE: &str = "docs/command-line.md";
const EVERYWHERE: &str = "Options of every command";

/// What `frieze <command> --help` prints.
fn help(command: &[String]) -> String {
    let mut run = Command::new(env!("CARGO_BIN_EXE_frieze"));
    let output = run.args(command).arg("--help").output().expect("frieze runs");
    assert!(output.status.success(), "{command:?} --help failed");
    String::from_utf8(output.stdout).expect("help is UTF-8")
}

/// The commands that do something, each as its words.
fn commands(above: &[String]) -> Vec<Vec<String>> {
    let help = help(above);
    let Some((_, list)) = help.split_once("\nCommands:\n") else { return vec![above.to_owned()] };
    let list = list.split("\n\n").next().unwrap_or_default();
    // What a long description goes on with is indented more.
    let names = list.lines().filter(|line| !line.starts_with("   "));
    let names = names.filter_map(|line| line.split_whitespace().next());
    let below = names.filter(|name| *name != "help");
    let below = below.flat_map(|name| commands(&[above, &[name.to_owned()]].concat()));
    // One with commands below it that does something itself has a usage of its own.
    let itself = help.contains(" [OPTIONS]\n       frieze ").then(|| above.to_owned());
    itself.into_iter().chain(below).collect()
}

/// The options a help text lists, long and short. What is indented more is about them.
fn options(help: &str) -> BTreeSet<String> {
    let (_, list) = help.split_once("\nOptions:\n").expect("options");
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = list.lines().filter(|line| indent(line) <= 6);
    let words = lines.flat_map(|line| line.split_whitespace().take(2));
    let options = words.filter(|word| word.starts_with('-'));
    options.map(|word| word.trim_end_matches([',', '.']).to_owned()).collect()
}

/// The options a heading's table lists.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let rows = table(&part(page, heading), "option");
    rows.iter().flat_map(|row| codes(&row["option"])).map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_heading_and_every_heading_is_a_command() {
    let page = read(PAGE);
    let known: BTreeSet<_> =
        commands(&[]).iter().map(|it| format!("frieze {}", it.join(" "))).collect();
    let headings = page.lines().filter_map(|line| code(line.strip_prefix("## ")?));
    assert_eq!(headings.map(str::to_owned).collect::<BTreeSet<_>>(), known, "{PAGE}");
    for command in known {
        let anchor = format!("[`{command}`](#{})", command.replace(' ', "-"));
        assert!(page.contains(&anchor), "{PAGE}: the list of commands lacks {anchor}");
    }
}

#[test]
fn every_option_is_documented_and_every_documented_option_exists() {
    let page = read(PAGE);
    let everywhere = documented(&page, EVERYWHERE);
    for command in commands(&[]) {
        let heading = format!("`frieze {}`", command.join(" "));
        let known = options(&help(&command));
        let own = documented(&page, &heading);
        let all: BTreeSet<_> = everywhere.union(&own).cloned().collect();
        assert_eq!(all, known, "{PAGE}, {heading}");
    }
    for option in options(&help(&[])).difference(&everywhere) {
        assert!(page.contains(option.as_str()), "{PAGE}: {option}");
    }
}

#[test]
fn every_argument_is_documented() {
    for command in commands(&[]) {
        let help = help(&command);
        let Some((_, list)) = help.split_once("\nArguments:\n") else { continue };
        let argument = list.split_whitespace().next().expect("an argument");
        let text = part(&read(PAGE), &format!("`frieze {}`", command.join(" ")));
        assert!(text.contains(&format!("`{argument}`")), "{PAGE}: {argument}");
    }
}

/// Every kind. A new one does not compile until it is here.
const fn kinds() -> [Kind; 6] {
    use Kind::{Config, Content, Database, Other, Output, Stopped, Template};
    let all = [Other, Config, Database, Content, Template, Output];
    match all[0] {
        // What a signal stops is no kind of its own: the text says what it ends with.
        Other | Config | Database | Content | Template | Output | Stopped(_) => all,
    }
}

#[test]
fn the_exit_codes_are_the_programs_own() {
    let rows = table(&part(&read(PAGE), "Errors and exit codes"), "code");
    let documented: Vec<_> = rows
        .iter()
        .map(|row| (row["code"].clone(), code(&row["kind"]).unwrap_or("-").to_owned()))
        .collect();
    let mut known: Vec<_> =
        kinds().iter().map(|kind| (kind.exit_code().to_string(), kind.name().to_owned())).collect();
    known.extend([("0".to_owned(), "-".to_owned()), ("2".to_owned(), "-".to_owned())]);
    known.sort();
    assert_eq!(documented, known, "{PAGE}");
    let help = help(&[]);
    for (code, _) in &known {
        assert!(help.contains(&format!("{code} ")), "--help does not name exit code {code}");
    }
}
