//! Which folders hold what, and which of their files count: those that a build looks at.

use std::path::{Path, PathBuf};

use super::Batch;
use crate::config::{Config, FILE_NAME};
use crate::fs;

/// Which folders hold what. One that is not there yet counts as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    pub(super) root: PathBuf,
    templates: PathBuf,
    statics: PathBuf,
    content: PathBuf,
    migrations: PathBuf,
}

impl Folders {
    pub fn of(config: &Config) -> Self {
        let build = &config.build;
        Self {
            root: real(&config.root),
            templates: real(&build.templates),
            statics: real(&build.static_files),
            content: real(&build.content),
            migrations: real(&build.migrations),
        }
    }

    pub(super) fn all(&self) -> [&PathBuf; 4] {
        [&self.templates, &self.statics, &self.content, &self.migrations]
    }

    pub(super) fn config(&self) -> PathBuf {
        self.root.join(FILE_NAME)
    }

    /// Whether a folder is this path, or lies in it.
    pub(super) fn are_in(&self, path: &Path) -> bool {
        self.all().into_iter().any(|folder| folder.starts_with(path))
    }

    /// Whether a build would look at a path.
    pub(super) fn concern(&self, path: &Path) -> bool {
        self.all().into_iter().any(|folder| below(folder, path).is_some()) || path == self.config()
    }

    /// Sorts a path into its kind, or its kinds where one folder lies in another.
    pub(super) fn sort(&self, path: &Path, batch: &mut Batch) {
        batch.config |= path == self.config();
        batch.migrations |= below(&self.migrations, path).is_some();
        for (folder, files) in [
            (&self.templates, &mut batch.templates),
            (&self.statics, &mut batch.statics),
            (&self.content, &mut batch.content),
        ] {
            files.extend(below(folder, path));
        }
    }
}

/// A path below a folder, unless it is hidden there or is the folder itself.
fn below(folder: &Path, path: &Path) -> Option<String> {
    let relative = path.strip_prefix(folder).ok()?;
    let parts: Option<Vec<_>> = relative.iter().map(|part| part.to_str()).collect();
    let name = parts?.join("/");
    (!name.is_empty() && !fs::is_hidden_below(relative)).then_some(name)
}

/// A path as the system tells of it, without links; what is not there yet will be in a folder that
/// is.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = path.ancestors().find_map(|it| Some((it, it.canonicalize().ok()?)));
    match found.and_then(|(it, real)| Some((path.strip_prefix(it).ok()?, real))) {
        Some((rest, real)) if rest.as_os_str().is_empty() => real,
        Some((rest, real)) => real.join(rest),
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(root: &Path) -> Folders {
        let text = "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"\n[build]\ntemplates = \"theme/templates\"";
        std::fs::write(root.join(FILE_NAME), text).unwrap();
        let overrides = crate::config::Overrides::default();
        Folders::of(&Config::load(root, &overrides, &|_| None).unwrap())
    }

    #[test]
    fn what_a_build_looks_at_counts_and_nothing_else() {
        let site = tempfile::tempdir().unwrap();
        let folders = folders(site.path());
        let sorted = |path: &str| {
            let mut batch = Batch::default();
            folders.sort(&folders.root.join(path), &mut batch);
            assert_eq!(batch.is_empty(), !folders.concern(&folders.root.join(path)), "{path}");
            batch
        };
        assert!(sorted("frieze.toml").config);
        assert!(sorted("migrations/1_a.up.sql").migrations);
        assert_eq!(sorted("content/posts/2024/07.md").content, ["posts/2024/07.md"]);
        assert_eq!(sorted("static/4913").statics, ["4913"]);
        assert_eq!(sorted("static/a.tmp").statics, ["a.tmp"]);
        assert_eq!(sorted("static/.well-known/x").statics, [".well-known/x"]);
        assert_eq!(sorted("theme/templates/a.html").templates, ["a.html"]);
        for hidden in [
            "content/posts/.drafts/x.md",
            "static/.git/config",
            "content/.obsidian/a.json",
            "content",
            "README.md",
            "static/.a.swp",
        ] {
            assert!(sorted(hidden).is_empty(), "{hidden}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_is_not_there_yet_is_where_it_will_be() {
        let place = tempfile::tempdir().unwrap();
        let (site, link) = (place.path().join("site"), place.path().join("link"));
        std::fs::create_dir(&site).unwrap();
        std::os::unix::fs::symlink(&site, &link).unwrap();
        let folders = folders(&link);
        let site = site.canonicalize().unwrap();
        assert_eq!(folders.templates, site.join("theme/templates"));
        assert!(folders.are_in(&site.join("theme")) && !folders.are_in(&site.join("other")));
    }
}
