//! Rebuilds the crate when a file that is embedded in it changes.

fn main() {
    for folder in ["templates", "static", "migrations", "content"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
