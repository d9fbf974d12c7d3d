//! The migration files: the built-in ones, and the site's own.

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};
use sqlx::migrate::{Migration, MigrationType};
use sqlx::{AssertSqlSafe, SqlSafeStr as _};

use crate::config::Config;
use crate::error::{Error, Result, nearest};
use crate::fs;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/migrations");

/// The kit that is always applied: what the program itself needs.
pub const ENGINE: &str = "engine";

/// Every known migration, in the order they are applied: the built-in ones, then the site's own,
/// each by number.
#[derive(Debug)]
pub struct Migrations {
    entries: Vec<Entry>,
    kits: Vec<String>,
}

#[derive(Debug)]
pub struct Entry {
    pub version: i64,
    /// The file's name without `.up.sql`.
    pub name: String,
    pub origin: Origin,
    /// The extension the server must have, from a `-- needs:` line.
    pub needs: Option<String>,
    pub up: Migration,
    pub down: Option<Migration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Part of the program, in the kit of this name.
    BuiltIn(String),
    Site,
}

impl Migrations {
    /// The built-in migrations of the configured kits, and those in the site's folder.
    pub fn collect(config: &Config) -> Result<Self> {
        Self::from_parts(&config.database.kits, &config.build.migrations)
    }

    pub(super) fn from_parts(kits: &[String], folder: &Path) -> Result<Self> {
        let built_in = built_in()?;
        let known = kit_names(&built_in);
        for kit in kits {
            if !known.contains(&kit.as_str()) {
                let help = nearest(kit, known.iter().copied()).map_or_else(
                    || format!("known kits: {}", known.join(", ")),
                    |near| format!("did you mean \"{near}\"?"),
                );
                let what = format!("frieze.toml: database.kits: there is no kit \"{kit}\"");
                return Err(Error::config(what).help(help));
            }
        }
        let kits = kits.to_vec();
        let site = site(folder, &built_in)?;
        Ok(Self { entries: built_in.into_iter().chain(site).collect(), kits })
    }

    /// All of them, also those of kits that are not configured.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Those that the configuration asks for.
    pub fn active(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.iter().filter(|entry| match &entry.origin {
            Origin::BuiltIn(kit) => kit == ENGINE || self.kits.contains(kit),
            Origin::Site => true,
        })
    }
}

fn kit_names(entries: &[Entry]) -> Vec<&str> {
    let mut names: Vec<_> = entries
        .iter()
        .filter_map(|entry| match &entry.origin {
            Origin::BuiltIn(kit) if kit != ENGINE => Some(kit.as_str()),
            _ => None,
        })
        .collect();
    names.dedup();
    names
}

fn built_in() -> Result<Vec<Entry>> {
    let texts = BUILT_IN.files().filter_map(|file| {
        let name = file.path().file_name()?.to_str()?;
        Some((name.to_owned(), file.contents_utf8()?.to_owned()))
    });
    entries(texts.collect(), "the built-in migrations", |text| {
        Origin::BuiltIn(header(text, "kit").unwrap_or_else(|| ENGINE.to_owned()))
    })
}

/// The site's own, without its copies of built-in ones.
fn site(folder: &Path, built_in: &[Entry]) -> Result<Vec<Entry>> {
    let mut texts = BTreeMap::new();
    for path in fs::files_below(folder)? {
        let is_sql = path.extension().is_some_and(|extension| extension == "sql");
        let Some(name) = path.to_str().filter(|_| is_sql) else { continue };
        let text = fs::read_text(&folder.join(&path))?;
        match BUILT_IN.get_file(name).and_then(|file| file.contents_utf8()) {
            None => drop(texts.insert(name.to_owned(), text)),
            Some(original) if lines(original) == lines(&text) => {}
            Some(_) => {
                let path = folder.join(&path);
                let what =
                    format!("{} differs from the built-in migration of that name", path.display());
                return Err(Error::config(what)
                    .help("give your own migration a name of its own, or delete the copy"));
            }
        }
    }
    let place = folder.display().to_string();
    let site = entries(texts, &place, |_| Origin::Site)?;
    for entry in &site {
        if let Some(taken) = built_in.iter().find(|other| other.version == entry.version) {
            let what =
                format!("{place}: {} has the number of the built-in {}", entry.name, taken.name);
            return Err(Error::config(what).help("give it a number of its own"));
        }
    }
    Ok(site)
}

/// Pairs up and down files, by number.
fn entries(
    texts: BTreeMap<String, String>,
    place: &str,
    origin: impl Fn(&str) -> Origin,
) -> Result<Vec<Entry>> {
    let mut entries: BTreeMap<i64, Entry> = BTreeMap::new();
    let mut downs = Vec::new();
    for (file, text) in texts {
        let stem = file.strip_suffix(".sql").unwrap_or(&file);
        let (name, is_down) = match (stem.strip_suffix(".up"), stem.strip_suffix(".down")) {
            (Some(name), _) => (name, false),
            (None, Some(name)) => (name, true),
            (None, None) => (stem, false),
        };
        let version = version(name).ok_or_else(|| misnamed(place, &file))?;
        let text = lines(&text);
        if is_down {
            downs.push((version, name.to_owned(), text));
            continue;
        }
        let entry = Entry {
            version,
            name: name.to_owned(),
            origin: origin(&text),
            needs: header(&text, "needs"),
            up: migration(version, name, MigrationType::ReversibleUp, text),
            down: None,
        };
        if let Some(other) = entries.insert(version, entry) {
            let what = format!("{place}: {} and {name} have the same number", other.name);
            return Err(Error::config(what).help("give each migration a number of its own"));
        }
    }
    for (version, name, text) in downs {
        let up = entries.get_mut(&version).filter(|entry| entry.name == name);
        let up = up.ok_or_else(|| {
            Error::config(format!("{place}: {name}.down.sql has no {name}.up.sql beside it"))
        })?;
        up.down = Some(migration(version, &name, MigrationType::ReversibleDown, text));
    }
    Ok(entries.into_values().collect())
}

fn misnamed(place: &str, file: &str) -> Error {
    Error::config(format!("{place}: {file} does not begin with a number"))
        .help("name it like 20260131120000_what_it_does.up.sql, and its way back .down.sql")
}

fn version(name: &str) -> Option<i64> {
    let (digits, _) = name.split_once('_')?;
    digits.parse().ok().filter(|version| *version > 0)
}

fn migration(version: i64, name: &str, kind: MigrationType, text: String) -> Migration {
    let alone = text.starts_with("-- no-transaction");
    // These files are code: the program's own, or the site owner's.
    Migration::new(version, name.to_owned().into(), kind, AssertSqlSafe(text).into_sql_str(), alone)
}

/// The value of a `-- key: value` line among a file's first comments.
fn header(text: &str, key: &str) -> Option<String> {
    text.lines().map_while(|line| line.strip_prefix("--")).find_map(|comment| {
        let value = comment.trim_start().strip_prefix(key)?.strip_prefix(':')?;
        Some(value.trim().to_owned())
    })
}

/// Line ends as on Unix, so that a checkout on Windows is the same migration.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_migration_has_a_way_back_and_a_kit() {
        let entries = built_in().unwrap();
        assert!(entries.len() >= 5);
        for entry in &entries {
            assert!(entry.down.is_some(), "{} has no way back", entry.name);
            let text = entry.up.sql.as_str();
            assert!(header(text, "kit").is_some(), "{} names no kit", entry.name);
        }
        assert_eq!(kit_names(&entries), ["portfolio", "redeploy"]);
    }

    #[test]
    fn headers_are_read_from_the_first_comments_only() {
        let text = "-- kit: engine\n--needs: vector\n\nselect 1;\n-- kit: late";
        assert_eq!(header(text, "kit").as_deref(), Some("engine"));
        assert_eq!(header(text, "needs").as_deref(), Some("vector"));
        assert_eq!(header("select 1;\n-- kit: late", "kit"), None);
    }
}
