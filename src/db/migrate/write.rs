//! Migrations as the Supabase CLI reads them: one file each, only the way up, in an order of names.

use std::fs::read_dir;
use std::path::Path;

use super::files::{Entry, Migrations};
use crate::error::{Error, Result};
use crate::fs;

/// What was written into the folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    pub files: Vec<String>,
    /// Files that said the same before.
    pub unchanged: usize,
}

/// Writes the configured migrations into a folder that may hold other files: all or none. Files
/// that are there are never changed, since they may have been applied.
pub fn write(migrations: &Migrations, own: &Path, folder: &Path) -> Result<Written> {
    if same(own, folder) {
        return Err(Error::config(format!("{} holds the site's own migrations", folder.display()))
            .help("write them to a folder of their own, such as supabase/migrations"));
    }
    let entries: Vec<&Entry> = migrations.active().collect();
    check_order(&entries)?;
    let there = names(folder)?;
    let mut missing = Vec::new();
    for entry in &entries {
        check_number(entry, &there, folder)?;
        let file = file(entry);
        let path = folder.join(&file);
        if !there.contains(&file) {
            missing.push((file, path, *entry));
        } else if fs::read(&path)? != entry.up.sql.as_str().as_bytes() {
            let what = format!("{} differs from the migration of that name", path.display());
            return Err(Error::config(what).help("an applied migration must not change: undo the change, or delete the file and run this again"));
        }
    }
    fs::create_dir_all(folder)?;
    let mut written = Written { unchanged: entries.len() - missing.len(), ..Written::default() };
    for (file, path, entry) in missing {
        fs::replace(&path, entry.up.sql.as_str().as_bytes())?;
        written.files.push(file);
    }
    Ok(written)
}

fn file(entry: &Entry) -> String {
    format!("{}.sql", entry.name)
}

fn number(name: &str) -> &str {
    name.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default()
}

fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    one == other || real(one).is_some_and(|one| Some(one) == real(other))
}

/// The files of a folder, which need not be there.
fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let list = read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    let list = list.map_err(|error| fs::failed("list", folder, error))?;
    Ok(list.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// The CLI's record has the number for its key.
fn check_number(entry: &Entry, there: &[String], folder: &Path) -> Result<()> {
    let own = file(entry);
    let is_taken = |name: &&String| {
        **name != own && name.ends_with(".sql") && number(name) == number(&entry.name)
    };
    let Some(taken) = there.iter().find(is_taken) else { return Ok(()) };
    let path = folder.join(taken);
    Err(Error::config(format!("{} has the number of {}", path.display(), entry.name))
        .help("give it a number of its own"))
}

/// The CLI runs files in the order of their names as text, and tells migrations by times to the
/// second.
fn check_order(entries: &[&Entry]) -> Result<()> {
    const HELP: &str = "name migrations by 14 digits, as in 20260201000000_notes.up.sql";
    if let Some(entry) = entries.iter().find(|entry| number(&entry.name).len() != 14) {
        let what = format!("the number of {} is not one that the Supabase CLI takes", entry.name);
        return Err(Error::config(what).help(HELP));
    }
    for pair in entries.windows(2) {
        if file(pair[0]) >= file(pair[1]) {
            let (early, late) = (&pair[1].name, &pair[0].name);
            return Err(Error::config(format!(
                "{early} would run before {late} under the Supabase CLI, which orders by name"
            ))
            .help("the built-in ones come first: give yours a later number"));
        }
    }
    Ok(())
}
