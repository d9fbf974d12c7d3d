//! docs/templates.md against the functions, filters, components and context that templates have.

use crate::page::{code, codes, names, part, prose, read, root, table};
use crate::source::called;

const PAGE: &str = "docs/templates.md";

/// The names before the brackets, in the first column of a table.
fn documented(heading: &str, column: &str) -> Vec<String> {
    let rows = table(&part(&read(PAGE), heading), column);
    let cells = rows.iter().filter_map(|row| code(&row[column])?.split('(').next());
    let mut names: Vec<_> = cells.map(str::to_owned).collect();
    names.sort();
    names
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

#[test]
fn functions_and_filters_are_documented() {
    let functions = called("src/render/functions.rs", "register_function");
    assert_eq!(documented("Functions", "function"), sorted(functions), "{PAGE}");
    let filters = called("src/render/filters.rs", "register_filter");
    assert_eq!(documented("Filters", "filter"), sorted(filters), "{PAGE}");
}

#[test]
fn components_are_documented() {
    let files = std::fs::read_dir(root().join("templates/components")).expect("components");
    let mut known = Vec::new();
    for file in files.flatten() {
        let text = std::fs::read_to_string(file.path()).expect("a component");
        let names = text.split("{% component ").skip(1).filter_map(|rest| rest.split('(').next());
        known.extend(names.map(|name| name.trim().to_owned()));
    }
    assert_eq!(documented("Components", "component"), sorted(known), "{PAGE}");
}

#[test]
fn blocks_of_the_frame_are_documented() {
    let frame = read("templates/base.html");
    let text = part(&read(PAGE), "Which template renders what");
    let blocks = frame.split("{% block ").skip(1).filter_map(|rest| rest.split(' ').next());
    for block in blocks {
        assert!(names(&text, block), "{PAGE}: the block {block}");
    }
}

/// The keys of the maps that a file makes for templates, as in `("title", …)`.
fn keys(path: &str) -> Vec<String> {
    let text = read(path);
    let pieces = text.split("(\"").skip(1);
    let keys = pieces.filter_map(|piece| piece.split_once("\", ")).map(|(key, _)| key);
    let is_key = |key: &&str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    keys.filter(is_key).map(str::to_owned).collect()
}

#[test]
fn what_templates_see_is_documented() {
    let page = prose(&read(PAGE));
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let said: Vec<_> = codes(&page).into_iter().flat_map(|it| it.split(|c| !is_name(c))).collect();
    let known = keys("src/render/context.rs");
    assert!(known.len() > 30, "only {} keys found", known.len());
    for key in known.iter().map(String::as_str).chain(["_url", "_groups"]) {
        assert!(said.contains(&key), "{PAGE}: {key}");
    }
}
