//! The walk through a database that was not made for frieze shows the example's own files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::page::{blocks, read, root};

/// Everything that is text in the example.
fn example() -> Vec<String> {
    let mut texts = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join("examples/museum")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if matches!(ending, "toml" | "sql" | "html" | "css") {
                texts.push(read(Path::new(&path)));
            }
        }
    }
    texts
}

/// A block that begins with the name of a file is a site of its own, and is loaded by another test.
#[test]
fn what_the_walk_shows_is_in_the_example() {
    let (page, example) = (read("docs/any-database.md"), example());
    let mut found = 0;
    for language in ["toml", "sql", "html"] {
        for block in blocks(&page, language) {
            if block.starts_with("# frieze.toml\n") {
                continue;
            }
            assert!(example.iter().any(|text| text.contains(&block)), "not an excerpt:\n{block}");
            found += 1;
        }
    }
    assert!(found >= 10, "only {found} excerpts were found");
}
