//! The output folder, its companion beside it, and the one step in which generations change places.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::dir::{Dir, Kind};
use super::state::{self, Manifest};
use crate::error::{Error, Result};

/// The staging tree's name in the companion.
pub const TREE: &str = "tree";
/// Where the old site waits while the new one is renamed, if the two cannot be exchanged.
const ASIDE: &str = "aside";
/// Where a site says who made it, for when its state is lost.
const HEALTH: &str = "health.json";

pub struct Target {
    parent: Dir,
    name: String,
    pub companion: Arc<Dir>,
}

impl Target {
    /// Opens the companion of `target`, which lies beside the folder `beside`; makes it, unless the
    /// target is a folder to leave alone.
    pub fn open(target: &Path, beside: &Path) -> Result<Self> {
        let (parent, name) = split(target)?;
        let (home, neighbour) = split(beside)?;
        crate::fs::create_dir_all(&parent)?;
        let (parent, home) = (Dir::open(&parent)?, Dir::open(&home)?);
        let companion = format!(".{neighbour}.frieze");
        if home.look(&companion)?.is_none() {
            if let Some(root) = open_live(&parent, &name)? {
                refuse_foreign(&root)?;
            }
            home.make_dir(&companion)?;
        }
        let companion = Arc::new(home.open_inside(&companion)?);
        companion.create(".gitignore", b"*\n")?;
        Ok(Self { parent, name, companion })
    }

    /// The live tree with what is remembered of it, if there is one; an error where it is not
    /// frieze's to replace.
    pub fn live(&self) -> Result<Option<(Dir, Option<Manifest>)>> {
        self.recover()?;
        let Some(root) = open_live(&self.parent, &self.name)? else {
            return Ok(None);
        };
        let manifest = state::load(&self.companion, &root)?;
        if manifest.is_none() {
            refuse_foreign(&root)?;
        }
        if root.look(".git")?.is_some() {
            return Err(Error::output(format!("{} is a git work tree", root.path("").display()))
                .help("frieze replaces the whole folder, .git included: choose another output and copy it over"));
        }
        Ok(Some((root, manifest)))
    }

    /// Puts the staging tree in the live tree's place; the old site becomes the staging tree.
    pub fn exchange(&self) -> Result<()> {
        if self.parent.look(&self.name)?.is_none() {
            self.companion.rename(TREE, &self.parent, &self.name)?;
        } else if let Err(errno) = exchange(&self.companion, TREE, &self.parent, &self.name) {
            self.without_exchange(errno)?;
        }
        self.parent.sync()?;
        self.companion.sync()
    }

    fn without_exchange(&self, errno: Errno) -> Result<()> {
        if matches!(errno, Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) {
            return self.rename_twice();
        }
        let path = self.parent.path(&self.name);
        Err(crate::fs::failed("put the new site in the place of", &path, errno.into())
            .help("if the folder is a mount point, name a folder inside it as the output"))
    }

    /// For file systems that cannot exchange: for a moment there is no site.
    fn rename_twice(&self) -> Result<()> {
        self.companion.remove(ASIDE)?;
        self.parent.rename(&self.name, &self.companion, ASIDE)?;
        if let Err(error) = self.companion.rename(TREE, &self.parent, &self.name) {
            self.companion.rename(ASIDE, &self.parent, &self.name)?;
            return Err(error);
        }
        self.companion.rename(ASIDE, &self.companion, TREE)
    }

    /// Ends what a build that died between two renames had begun.
    fn recover(&self) -> Result<()> {
        if self.companion.look(ASIDE)?.is_none() {
            return Ok(());
        }
        if self.parent.look(&self.name)?.is_none() {
            return self.companion.rename(ASIDE, &self.parent, &self.name);
        }
        self.companion.remove(TREE)?;
        self.companion.rename(ASIDE, &self.companion, TREE)
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn exchange(from: &Dir, name: &str, to: &Dir, new: &str) -> Result<(), Errno> {
    let flags = rustix::fs::RenameFlags::EXCHANGE;
    rustix::fs::renameat_with(from.fd(), name, to.fd(), new, flags)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn exchange(_: &Dir, _: &str, _: &Dir, _: &str) -> Result<(), Errno> {
    Err(Errno::NOSYS)
}

/// The folder a target is in, absolute so that nothing depends on the working folder, and its name.
fn split(target: &Path) -> Result<(PathBuf, String)> {
    let wrong = || {
        Error::output(format!("{} cannot be the output folder", target.display()))
            .help("name a folder, like \"dist\"")
    };
    let whole = std::path::absolute(target).map_err(|error| wrong().because(error))?;
    let name = whole.file_name().and_then(|name| name.to_str()).ok_or_else(wrong)?;
    Ok((whole.parent().ok_or_else(wrong)?.to_owned(), name.to_owned()))
}

fn open_live(parent: &Dir, name: &str) -> Result<Option<Dir>> {
    let Some(meta) = parent.look(name)? else {
        return Ok(None);
    };
    if meta.kind == Kind::Dir {
        return parent.open_inside(name).map(Some);
    }
    let what = if meta.kind == Kind::File { "a file" } else { "a symbolic link or a device" };
    Err(Error::output(format!("{} is {what}, not a folder", parent.path(name).display()))
        .help("remove it, or choose another output"))
}

/// Protects people's folders: without a state, only what frieze signed or what is empty may go.
fn refuse_foreign(root: &Dir) -> Result<()> {
    if is_ours(root) || root.list("")?.is_empty() {
        return Ok(());
    }
    Err(Error::output(format!("{} holds files frieze did not write", root.path("").display()))
        .help("move them away or choose another output"))
}

fn is_ours(root: &Dir) -> bool {
    let is_file = matches!(root.look(HEALTH), Ok(Some(meta)) if meta.kind == Kind::File);
    let health = is_file.then(|| root.read(HEALTH).ok()).flatten();
    let health = health.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    health.is_some_and(|health| health["generator"] == "frieze")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A target whose live tree and staging tree each hold one file that names them.
    fn target(dir: &Path) -> Target {
        let target = Target::open(&dir.join("dist"), &dir.join("dist")).unwrap();
        for (root, name) in [(dir.join("dist"), "old"), (target.companion.path(TREE), "new")] {
            std::fs::create_dir_all(&root).unwrap();
            std::fs::write(root.join(name), name).unwrap();
        }
        target
    }

    fn holds(path: &Path, name: &str) -> bool {
        path.join(name).exists() && std::fs::read_dir(path).unwrap().count() == 1
    }

    #[test]
    fn an_exchange_swaps_the_trees() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path());
        target.exchange().unwrap();
        assert!(holds(&dir.path().join("dist"), "new"));
        assert!(holds(&target.companion.path(TREE), "old"));
    }

    #[test]
    fn so_do_two_renames_where_the_file_system_cannot_exchange() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path());
        target.without_exchange(Errno::INVAL).unwrap();
        assert!(holds(&dir.path().join("dist"), "new"));
        assert!(holds(&target.companion.path(TREE), "old"));
    }

    #[test]
    fn the_old_site_comes_back_when_the_second_rename_fails() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path());
        target.companion.remove(TREE).unwrap();
        target.rename_twice().unwrap_err();
        assert!(holds(&dir.path().join("dist"), "old"));
    }

    #[test]
    fn a_death_between_the_renames_is_put_right() {
        for died_after in [1, 2] {
            let dir = tempfile::tempdir().unwrap();
            let target = target(dir.path());
            target.parent.rename("dist", &target.companion, ASIDE).unwrap();
            if died_after == 2 {
                target.companion.rename(TREE, &target.parent, "dist").unwrap();
            }
            // Neither tree is signed, so both are foreign: put right all the same.
            let _ = target.live();
            let (live, staged) = if died_after == 1 { ("old", "new") } else { ("new", "old") };
            assert!(holds(&dir.path().join("dist"), live), "{died_after}");
            assert!(holds(&target.companion.path(TREE), staged), "{died_after}");
        }
    }

    #[test]
    fn other_failures_leave_everything_and_name_the_target() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path());
        let error = target.without_exchange(Errno::BUSY).unwrap_err().report();
        assert!(error.contains("cannot put the new site in the place of"), "{error}");
        assert!(error.contains("mount point"), "{error}");
        assert!(holds(&dir.path().join("dist"), "old"));
    }
}
