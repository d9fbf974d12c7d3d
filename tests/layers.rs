//! The house's one rule: data flows one way. A room may import rooms to its left in the pipeline,
//! never one to its right; only the pipeline and the command line name every stage.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// Left to right. `error`, `fs`, `web`, `signals` and `telemetry` stand to the left of everything.
const ROOMS: &[&str] = &[
    "error",
    "fs",
    "web",
    "signals",
    "telemetry",
    "config",
    "cache",
    "theme",
    "db",
    "enrich",
    "source",
    "model",
    "assets",
    "render",
    "publish",
    "pipeline",
    "serve",
    "hook",
    "cli",
];

/// Rooms that know the engine of another: what must not be named where.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("source", &["tera::"]),
    ("model", &["sqlx::", "tera::", "std::fs"]),
    ("assets", &["sqlx::", "tera::"]),
    ("render", &["sqlx::"]),
    ("publish", &["sqlx::", "tera::"]),
    ("cli", &["tera::"]),
];

fn room_of(file: &Path) -> String {
    let inside = file.strip_prefix("src").unwrap();
    let first = inside.iter().next().unwrap().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The rooms that a line names, as `crate::room` or inside `use crate::{a, b}`.
fn rooms_named(line: &str) -> Vec<&str> {
    let word = |text: &'static str| text;
    let mut named = Vec::new();
    for room in ROOMS {
        if line.contains(&format!("crate::{room}::")) || line.contains(&format!("crate::{room};")) {
            named.push(word(room));
        }
    }
    if let Some(list) = line.trim().strip_prefix("use crate::{") {
        let list = list.trim_end_matches(['}', ';']);
        for room in ROOMS {
            if list.split(',').any(|part| part.trim().split("::").next() == Some(room)) {
                named.push(word(room));
            }
        }
    }
    named
}

#[test]
fn imports_point_left() {
    let place = |room: &str| ROOMS.iter().position(|known| *known == room);
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in sources(Path::new("src")) {
        let room = room_of(&file);
        if ["main", "lib"].contains(&room.as_str()) {
            continue;
        }
        let own = place(&room).unwrap_or_else(|| panic!("{} is in no known room", file.display()));
        for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            for named in rooms_named(line) {
                checked += 1;
                if place(named).unwrap() > own {
                    wrong.push(format!(
                        "{}:{}: {room} imports {named}",
                        file.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(checked > 100, "only {checked} imports found: the test reads them wrongly");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rooms_know_only_their_own_trade() {
    let mut wrong = Vec::new();
    for file in sources(Path::new("src")) {
        let room = room_of(&file);
        let Some((_, words)) = FORBIDDEN.iter().find(|(name, _)| *name == room) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for (number, line) in code.enumerate() {
            for word in words.iter().filter(|word| line.contains(**word)) {
                wrong.push(format!("{}:{}: {room} names {word}", file.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    for file in sources(Path::new("src")) {
        if file.ends_with("tests.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.starts_with("//! "), "{} does not open with a //! line", file.display());
    }
}

#[test]
fn main_stays_thin() {
    let lines = fs::read_to_string("src/main.rs").unwrap().lines().count();
    assert!(lines < 60, "src/main.rs has {lines} lines");
}
