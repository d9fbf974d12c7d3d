//! What the system watches for us: the site's folders with all that is in them, and where those
//! that are not there would come.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use notify::{RecursiveMode, Watcher as _};

use super::Folders;

pub struct Eyes {
    watcher: notify::RecommendedWatcher,
    watched: BTreeMap<PathBuf, RecursiveMode>,
}

impl Eyes {
    pub fn new(watcher: notify::RecommendedWatcher) -> Self {
        Self { watcher, watched: BTreeMap::new() }
    }

    /// Watches what there is by now, and no longer what is not wanted. The folders that were not
    /// watched before, and the first thing that went wrong.
    pub fn look(&mut self, folders: &Folders) -> (Vec<PathBuf>, notify::Result<()>) {
        let (mut new, mut ended) = (Vec::new(), Ok(()));
        let mut seen = None;
        // A folder may come in one before that is watched: nobody tells of it then.
        loop {
            let wanted = wanted(folders);
            if seen.as_ref() == Some(&wanted) || ended.is_err() {
                return (new, ended);
            }
            ended = self.turn_to(&wanted, &mut new);
            seen = Some(wanted);
        }
    }

    fn turn_to(
        &mut self,
        wanted: &BTreeMap<PathBuf, RecursiveMode>,
        new: &mut Vec<PathBuf>,
    ) -> notify::Result<()> {
        let useless = |it: &(&PathBuf, &RecursiveMode)| wanted.get(it.0) != Some(it.1);
        let former: Vec<PathBuf> =
            self.watched.iter().filter(useless).map(|(path, _)| path.clone()).collect();
        for path in &former {
            self.turn_away(path);
        }
        let mut ended = Ok(());
        for (path, mode) in wanted {
            if self.watched.contains_key(path) {
                continue;
            }
            match self.watcher.watch(path, *mode) {
                Ok(()) => {
                    new.extend((*mode == RecursiveMode::Recursive).then(|| path.clone()));
                    self.watched.insert(path.clone(), *mode);
                }
                // It may be gone again by now.
                Err(_) if !path.is_dir() => {}
                Err(error) => ended = ended.and(Err(error)),
            }
        }
        ended
    }

    /// What was watched at a path, and in it, is not there any more, or is another.
    pub fn forget(&mut self, path: &Path) {
        let gone: Vec<PathBuf> =
            self.watched.keys().filter(|watched| watched.starts_with(path)).cloned().collect();
        for path in &gone {
            self.turn_away(path);
        }
    }

    fn turn_away(&mut self, path: &Path) {
        self.watched.remove(path);
        // It may be gone, and its watch with it.
        let _ = self.watcher.unwatch(path);
    }
}

/// What to watch: no folder twice.
fn wanted(folders: &Folders) -> BTreeMap<PathBuf, RecursiveMode> {
    let all = folders.all();
    let (there, missing): (Vec<&PathBuf>, Vec<&PathBuf>) =
        all.into_iter().partition(|folder| folder.is_dir());
    let within = |path: &Path| there.iter().any(|it| path.starts_with(it) && path != it.as_path());
    let whole = there.iter().filter(|folder| !within(folder));
    let mut wanted: BTreeMap<PathBuf, RecursiveMode> =
        whole.map(|folder| ((*folder).clone(), RecursiveMode::Recursive)).collect();
    let homes = missing.iter().filter_map(|folder| folder.ancestors().find(|it| it.is_dir()));
    for flat in homes.chain([folders.root.as_path()]).filter(|flat| !within(flat)) {
        wanted.entry(flat.to_owned()).or_insert(RecursiveMode::NonRecursive);
    }
    wanted
}
