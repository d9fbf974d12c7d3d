//! What the source says, read from its text: a program cannot list its own fields.

use std::collections::BTreeMap;

use crate::page::read;

/// The public structs of a file: each one's name and its fields, as files write them.
pub fn structs(path: &str) -> BTreeMap<String, Vec<String>> {
    let mut structs = BTreeMap::new();
    let mut open: Option<(String, Vec<String>)> = None;
    let mut renamed = None;
    for line in read(path).lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("pub struct ").and_then(|it| it.strip_suffix(" {")) {
            open = Some((name.to_owned(), Vec::new()));
        } else if line == "}" {
            structs.extend(open.take());
        } else if line == "#[serde(skip)]" {
            renamed = Some(String::new());
        } else if let Some(name) = line.strip_prefix("#[serde(rename = \"") {
            renamed = name.split('"').next().map(str::to_owned);
        } else if let Some((_, fields)) = &mut open
            && let Some((name, _)) = line.strip_prefix("pub ").and_then(|it| it.split_once(':'))
        {
            fields.push(renamed.take().unwrap_or_else(|| name.to_owned()));
        }
    }
    for fields in structs.values_mut() {
        fields.retain(|name| !name.is_empty());
    }
    structs
}

/// The variants of an enum, in lower case.
pub fn variants(path: &str, name: &str) -> Vec<String> {
    let text = read(path);
    let start = format!("pub enum {name} {{\n");
    let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no enum {name} in {path}"));
    let (body, _) = rest.split_once("\n}").expect("the end of the enum");
    let lines = body.lines().map(|line| line.trim().trim_end_matches(','));
    lines.filter(|line| !line.starts_with(['/', '#'])).map(str::to_lowercase).collect()
}

/// What stands in quotes after each `call(`, as in `register_filter("date"`.
pub fn called(path: &str, call: &str) -> Vec<String> {
    let (text, call) = (read(path), format!("{call}("));
    let pieces = text.split(&call).skip(1);
    let quoted = pieces.filter_map(|piece| piece.trim_start().strip_prefix('"')?.split('"').next());
    quoted.map(str::to_owned).collect()
}
