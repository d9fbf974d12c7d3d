//! Examples in the documentation are what they say: TOML, JSON, configurations that load.

use frieze::config::{Config, Overrides};

use crate::page::{all, blocks, read};

const SITE: &str = "[site]\ntitle = \"T\"\nbase_url = \"https://t.example\"\n";

#[test]
fn examples_of_toml_and_json_parse() {
    for page in all() {
        let text = read(&page);
        for block in blocks(&text, "toml") {
            let parsed: Result<toml::Table, _> = toml::from_str(&block);
            assert!(parsed.is_ok(), "{}: {parsed:?}\n{block}", page.display());
        }
        for block in blocks(&text, "json") {
            let parsed: Result<serde_json::Value, _> = serde_json::from_str(&block);
            assert!(parsed.is_ok(), "{}: {parsed:?}\n{block}", page.display());
        }
    }
}

#[test]
fn examples_of_a_configuration_load() {
    let mut loaded = 0;
    for page in all() {
        let blocks = blocks(&read(&page), "toml");
        for block in blocks.iter().filter(|block| block.starts_with("# frieze.toml\n")) {
            let site = if block.contains("[site]") { "" } else { SITE };
            let folder = tempfile::tempdir().expect("a folder");
            let file = folder.path().join("frieze.toml");
            std::fs::write(file, format!("{site}{block}")).expect("a file");
            let config = Config::load(folder.path(), &Overrides::default(), &|_| None);
            assert!(config.is_ok(), "{}: {config:?}\n{block}", page.display());
            loaded += 1;
        }
    }
    assert!(loaded >= 6, "only {loaded} examples were loaded");
}
