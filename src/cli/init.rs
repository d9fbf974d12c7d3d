//! `frieze init`: a new site, with its own configuration and content and nothing else.

use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::{Global, output};
use crate::config::FILE_NAME;
use crate::error::{Error, Result};
use crate::fs;

static CONFIG: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/frieze.toml"));
static CONTENT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/content");

const GITIGNORE: &str = "/dist/\n/.dist.frieze/\n/.frieze/\n/.vercel/\n/.env\n";

/// Start a new site: a frieze.toml and content to make your own
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to create; it must be empty or not exist
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    let dir = if args.dir.is_absolute() { args.dir.clone() } else { global.root.join(&args.dir) };
    refuse_occupied(&dir)?;
    fs::create_dir_all(&dir)?;
    fs::write(&dir.join(FILE_NAME), CONFIG.as_bytes())?;
    fs::write(&dir.join(".gitignore"), GITIGNORE.as_bytes())?;
    let files = 2 + copy(&CONTENT, &dir.join("content"))?;
    if global.json {
        return output::json(&serde_json::json!({"created": dir, "files": files}));
    }
    output::line(&format!(
        "Created a site in {} ({files} files)\n  next: edit {}/{FILE_NAME} and content/, then run `frieze build -C {}`",
        dir.display(),
        dir.display(),
        dir.display()
    ))
}

fn refuse_occupied(dir: &Path) -> Result<()> {
    let occupied = match std::fs::read_dir(dir) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => dir.exists(),
    };
    if occupied {
        return Err(Error::output(format!("{} is not an empty folder", dir.display()))
            .help("name a new folder: nothing was changed"));
    }
    Ok(())
}

fn copy(from: &Dir<'_>, to: &Path) -> Result<usize> {
    let mut copied = 0;
    for file in from.files() {
        let path = to.join(file.path());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, file.contents())?;
        copied += 1;
    }
    for dir in from.dirs() {
        copied += copy(dir, to)?;
    }
    Ok(copied)
}
