//! The smallest site there is, for tests that need its database only.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;

use frieze::config::{Config, Overrides};
use frieze::db::migrate::Migrations;

/// A site in `dir` with these kits; its embedded database is in `dir/postgres`.
pub fn config(dir: &Path, kits: &[&str]) -> Config {
    let kits = kits.iter().map(|kit| format!("\"{kit}\"")).collect::<Vec<_>>().join(", ");
    let text = format!(
        "[site]\ntitle = \"Test\"\nbase_url = \"https://test.example\"\n\n[database]\ndata_dir = \"postgres\"\nkits = [{kits}]\n"
    );
    std::fs::create_dir_all(dir).expect("a folder");
    std::fs::write(dir.join("frieze.toml"), text).expect("a configuration");
    Config::load(dir, &Overrides::default(), &|_| None).expect("a valid configuration")
}

/// The built-in migrations, both kits.
pub fn built_in() -> Migrations {
    let dir = tempfile::tempdir().expect("a folder");
    Migrations::collect(&config(dir.path(), &["portfolio"])).expect("the built-in migrations")
}
