//! A page of documentation, taken apart: headings, the tables below them, and examples.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// README and all of docs/, as paths relative to the repository.
pub fn all() -> Vec<PathBuf> {
    let mut pages = vec![PathBuf::from("README.md")];
    let files = fs::read_dir(root().join("docs")).expect("docs/").flatten();
    let files = files.map(|file| Path::new("docs").join(file.file_name()));
    pages.extend(files.filter(|file| file.extension().is_some_and(|end| end == "md")));
    pages.sort();
    pages
}

/// The text below a heading, up to the next heading of any level.
pub fn part(page: &str, heading: &str) -> String {
    let found = parts(page).into_iter().find(|(title, _)| title == heading);
    found.unwrap_or_else(|| panic!("there is no heading \"{heading}\"")).1
}

/// Every heading with the text below it.
pub fn parts(page: &str) -> Vec<(String, String)> {
    let mut parts: Vec<(String, String)> = Vec::new();
    let mut in_code = false;
    for line in page.lines() {
        in_code ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if !in_code && heading.len() < line.len() && heading.starts_with(' ') {
            parts.push((heading.trim().to_owned(), String::new()));
        } else if let Some((_, text)) = parts.last_mut() {
            text.push_str(line);
            text.push('\n');
        }
    }
    parts
}

/// The rows of every table in a text whose first column is headed `column`, as maps from the
/// column's name to the cell.
pub fn table(text: &str, column: &str) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    let mut names: Option<Vec<String>> = None;
    for line in text.lines() {
        if !line.starts_with('|') {
            names = None;
            continue;
        }
        let cells = cells(line);
        match &names {
            None => names = Some(cells),
            Some(names) if names[0] == column && !line.starts_with("| ---") => {
                assert_eq!(names.len(), cells.len(), "a row of another width: {line}");
                rows.push(names.iter().cloned().zip(cells).collect());
            }
            Some(_) => {}
        }
    }
    rows
}

fn cells(line: &str) -> Vec<String> {
    let line = line.replace("\\|", "\u{1}");
    let cells = line.trim().trim_matches('|').split('|');
    cells.map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// A cell that is one piece of code, without its backticks.
pub fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`').filter(|code| !code.contains('`'))
}

/// Every piece of code in a text, without its backticks.
pub fn codes(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// A page without its fenced blocks.
pub fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// Whether a text names something as code.
pub fn names(text: &str, name: &str) -> bool {
    text.contains(&format!("`{name}`"))
}

/// The fenced blocks of a language.
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in page.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(found)) => open = Some((found == language, String::new())),
            (None, None) => {}
            (Some(_), Some(_)) => {
                blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, text)| text));
            }
            (Some((_, text)), None) => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    blocks
}
