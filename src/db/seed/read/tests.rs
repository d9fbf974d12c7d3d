//! Rows and lines from every format, and what bad files get.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::config::Overrides;
use crate::error::Kind;

const SITE: &str = r#"
[site]
title = "Test"
base_url = "https://example.com"
[layouts]
table = "layouts"
[collections.posts]
table = "posts"
markdown = ["body"]
"#;

fn read(files: &[(&str, &str)]) -> (TempDir, Result<Content>) {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("frieze.toml"), SITE).unwrap();
    for (name, text) in files {
        let path = dir.path().join("content").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let config = Config::load(dir.path(), &Overrides::default(), &|_| None).unwrap();
    let content = Content::read(&dir.path().join("content"), &config);
    (dir, content)
}

fn rows(table: &str, files: &[(&str, &str)]) -> Vec<Row> {
    read(files).1.unwrap().rows(table).to_vec()
}

/// The report of a bad file, its folder cut off.
fn report(files: &[(&str, &str)]) -> String {
    let (dir, content) = read(files);
    let error = content.unwrap_err();
    assert_eq!(error.kind(), Kind::Content);
    error.report().replace(&format!("{}/", dir.path().join("content").display()), "")
}

#[test]
fn a_toml_list_gives_rows_with_lines() {
    let text = "# people\n[[people]]\nname = \"A\"\nborn = 1990-02-03\n\n[[people]]\nname = \"B\"\n\
                at = 2024-01-01T00:00:00Z\n[people.links]\nweb = \"x\"\n";
    let rows = rows("people", &[("people.toml", text)]);
    assert_eq!(
        serde_json::to_value(&rows[0].fields).unwrap(),
        json!({"name": "A", "born": "1990-02-03"})
    );
    assert_eq!(
        serde_json::to_value(&rows[1].fields).unwrap(),
        json!({"name": "B", "at": "2024-01-01T00:00:00Z", "links": {"web": "x"}})
    );
    assert_eq!(
        [rows[0].line, rows[0].line_of("born"), rows[1].line, rows[1].line_of("name")],
        [2, 4, 6, 7]
    );
    assert_eq!(rows[1].line_of("links"), 9);
    assert_eq!((rows[0].file.as_str(), &rows[0].stem), ("people.toml", &None));
}

#[test]
fn a_markdown_file_gives_its_text_to_the_markdown_column() {
    let text = "+++\r\ntitle = \"A\"\r\n+++\r\n\r\n    code\r\n\r\nText.\r\n\r\n";
    let rows = rows("posts", &[("posts/2024/a.md", text)]);
    assert_eq!(rows[0].fields["body"], "    code\n\nText.");
    assert_eq!((rows[0].line_of("title"), rows[0].line_of("body")), (2, 5));
    assert_eq!(rows[0].stem.as_deref(), Some("2024/a"));
}

#[test]
fn json_rows_know_their_lines() {
    let text = "[\n {\"name\": \"A\",\n  \"n\": 1},\n {\"name\": null}\n]";
    let rows = rows("people", &[("people.json", text)]);
    assert_eq!([rows[0].line, rows[0].line_of("n"), rows[1].line], [2, 3, 4]);
    assert!(rows[1].fields["name"].is_null());
}

#[test]
fn one_row_files_are_objects() {
    let files = [
        ("layouts/home.json", "{\"page\": \"home\"}"),
        ("layouts/a.toml", "page = 'a'\n[l]\nx = 1"),
    ];
    let rows = rows("layouts", &files);
    assert_eq!(rows[0].fields["l"], json!({"x": 1}));
    assert_eq!(rows[1].fields["page"], "home");
}

#[test]
fn images_hidden_files_and_readmes_are_no_rows() {
    let files = [
        ("posts/a.webp", ""),
        ("posts/.draft.md", "x"),
        ("posts/README.md", "x"),
        ("posts/a.md~", "x"),
        ("images/credits.txt", "x"),
    ];
    assert!(read(&files).1.unwrap().is_empty());
}

#[test]
fn a_strange_file_in_a_tables_folder_is_named() {
    assert!(
        report(&[("posts/a.yaml", "")])
            .starts_with("error: posts/a.yaml is not a row\n  help: write the row as TOML")
    );
    assert!(
        report(&[("about.md", "")])
            .contains("error: about.md in the content folder belongs to no table")
    );
}

#[test]
fn syntax_errors_name_file_line_and_column() {
    assert!(
        report(&[("people.toml", "[[people]]\nname = \n")])
            .starts_with("error: people.toml:2:8: not valid TOML")
    );
    assert!(
        report(&[("posts/a.md", "+++\na = 1\nb = ?\n+++\n")])
            .starts_with("error: posts/a.md:3:5: not valid TOML")
    );
    assert!(
        report(&[("people.json", "[{\n\"é\": tru}]")])
            .starts_with("error: people.json:2:9: not valid JSON")
    );
    assert!(
        report(&[("people.toml", "[[people]]\na = 1\na = 2\n")])
            .starts_with("error: people.toml:3:1: not valid TOML")
    );
}

#[test]
fn front_matter_must_be_closed_toml() {
    assert!(
        report(&[("posts/a.md", "---\ntitle: x\n---\n")])
            .contains("posts/a.md:1: YAML front matter is not read")
    );
    assert!(
        report(&[("posts/a.md", "---\ntitle: x\n---\n")])
            .contains("help: write the front matter as TOML between two lines +++")
    );
    assert!(
        report(&[("posts/a.md", "+++\ntitle = 1\n")])
            .contains("posts/a.md:1: the front matter has no end")
    );
    assert!(
        report(&[("posts/a.md", "# Hi\n")]).contains("posts/a.md:1: a row without front matter")
    );
    assert!(report(&[("posts/a.md", "")]).contains("posts/a.md:1: a row without front matter"));
}

#[test]
fn text_needs_one_column_to_go_to() {
    assert!(
        report(&[("layouts/a.md", "+++\na = 1\n+++\nText\n")])
            .contains("layouts/a.md:4: no column of layouts takes the text below the front matter")
    );
    assert!(
        report(&[("posts/a.md", "+++\nbody = \"x\"\n+++\n\nText\n")])
            .contains("posts/a.md:5: body is given twice")
    );
}

#[test]
fn rows_without_fields_and_strange_rows_are_refused() {
    assert!(
        report(&[("people.toml", "[[people]]\na = 1\n[[people]]\n")])
            .contains("people.toml:3: a row without fields")
    );
    assert!(
        report(&[("people.toml", "\n[[persons]]\na = 1\n")])
            .contains("people.toml:2: only rows of people belong here")
    );
    assert!(
        report(&[("people.toml", "title = 1\n")])
            .contains("help: begin every row with a line [[people]]")
    );
    assert!(report(&[("people.json", "{}")]).contains("people.json:1: expected an array of rows"));
    assert!(report(&[("people.json", "[\n1]")]).contains("people.json:2: a row must be an object"));
    assert!(
        report(&[("people.json", "[{\"a\": 1,\n\"a\": 2}]")])
            .contains("people.json:2: a is given twice")
    );
    assert!(report(&[("posts/a.toml", "")]).contains("posts/a.toml:1: a row without fields"));
}

#[test]
fn values_that_postgres_cannot_hold_are_refused() {
    assert!(
        report(&[("people.toml", "[[people]]\na = nan\n")])
            .contains("people.toml:2: nan is not a number a row can hold")
    );
    assert!(
        report(&[("people.toml", "[[people]]\na = 99999999999999999999\n")])
            .contains("people.toml:2: the number 99999999999999999999 is too large")
    );
    assert!(
        report(&[("people.json", "[{\"b\": 1,\n\"a\": [\"\\u0000\"]}]")])
            .contains("people.json:2: a holds a NUL character")
    );
}

#[test]
fn text_that_is_not_utf8_names_file_and_line() {
    let (dir, content) = read(&[("people.toml", "")]);
    drop(content);
    fs::write(dir.path().join("content/people.toml"), b"[[people]]\nname = \"\xff\"\n").unwrap();
    let config = Config::load(dir.path(), &Overrides::default(), &|_| None).unwrap();
    let error = Content::read(&dir.path().join("content"), &config).unwrap_err();
    assert!(error.to_string().ends_with("people.toml:2: not valid UTF-8 at byte 19"), "{error}");
}

#[test]
fn no_folder_holds_no_rows() {
    assert!(read(&[]).1.unwrap().is_empty());
}

proptest::proptest! {
    /// Whatever a file holds, it is rows or an error that names it.
    #[test]
    fn no_text_is_too_strange(text in "([+\\-]{3}\n)?[\\[\\]{}\"'=:,.#aé1\\\\ \t\r\n+-]{0,60}") {
        for file in ["posts/a.md", "posts/a.toml", "people.toml", "posts/a.json", "people.json"] {
            let (_dir, content) = read(&[(file, &text)]);
            let error = content.err().map_or_else(|| file.to_owned(), |error| error.to_string());
            proptest::prop_assert!(error.contains(file), "{}", error);
        }
    }
}
