//! Originals made lighter by the real program: files of a site, and objects in a storage that behaves
//! like Supabase's.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "optimize/files.rs"]
mod files;
#[path = "optimize/list.rs"]
mod list;
#[path = "optimize/objects.rs"]
mod objects;
#[path = "optimize/photo.rs"]
mod photo;
#[path = "support/site.rs"]
mod site;
#[path = "optimize/stub.rs"]
mod stub;

use std::process::Command;

use site::{Run, Site};

/// A command with nothing in its environment that other tests could set or see.
fn command(site: &Site, arguments: &[&str]) -> Command {
    let mut command = site.command(arguments);
    command.env("FRIEZE_CACHE_DIR", site.root.join(".frieze/cache"));
    command.env_remove("SUPABASE_SERVICE_ROLE_KEY");
    command
}

fn finish(mut command: Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn optimize(site: &Site, more: &[&str]) -> Run {
    finish(command(site, &[&["images", "--optimize-storage"], more].concat()))
}

/// Where the program keeps a copy of an original.
fn copy(site: &Site, path: &str) -> Option<Vec<u8>> {
    std::fs::read(site.root.join(".frieze/originals").join(path)).ok()
}
