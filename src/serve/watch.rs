//! Watching files: what changed, once editors are done with it.
//!
//! Editors save in many ways: in place, or by writing another file and renaming it, with the old
//! one moved away first. So a file is looked at when it was closed or moved, or when nothing more
//! has happened to it for a moment; and one that is gone is given a moment to come back.

mod batch;
mod due;
mod eyes;
mod folders;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use notify::Event;
use notify::event::{EventKind, ModifyKind};
use tokio::sync::mpsc;

pub use batch::Batch;
pub use folders::Folders;

use self::due::{CLOSED, Due, Why};
use self::eyes::Eyes;
use crate::error::{Error, Result};
use crate::fs;

/// Watches until it is dropped.
pub struct Watch {
    orders: Sender<Signal>,
}

enum Signal {
    Seen(Event),
    Folders(Folders),
    Lost,
    Stop,
}

impl Watch {
    pub fn start(folders: Folders, batches: mpsc::UnboundedSender<Batch>) -> Result<Self> {
        let (orders, signals) = channel();
        let seen = orders.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let _ = seen.send(match event {
                Ok(event) if event.need_rescan() => Signal::Lost,
                Ok(event) => Signal::Seen(event),
                Err(_) => Signal::Lost,
            });
        });
        let mut eyes = Eyes::new(watcher.map_err(failed)?);
        let (_, ended) = eyes.look(&folders);
        ended.map_err(failed)?;
        std::thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || Watching::new(folders, batches, eyes).run(&signals))
            .map_err(|error| Error::other("cannot start watching files").because(error))?;
        Ok(Self { orders })
    }

    /// The configuration names other folders.
    pub fn look_elsewhere(&self, folders: Folders) {
        let _ = self.orders.send(Signal::Folders(folders));
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.orders.send(Signal::Stop);
    }
}

fn failed(error: notify::Error) -> Error {
    Error::other("cannot watch the site's files")
        .because(error)
        .help("on Linux, a larger fs.inotify.max_user_watches lets more folders be watched")
}

struct Watching {
    folders: Folders,
    batches: mpsc::UnboundedSender<Batch>,
    eyes: Eyes,
    /// Paths that something happened to, each with when to look at it.
    due: HashMap<PathBuf, Due>,
    last: Option<Instant>,
    /// Every file there is, as far as is known: what goes without ever having been here was some
    /// editor's, and what goes with a folder is missed with it.
    known: HashSet<PathBuf>,
}

impl Watching {
    fn new(folders: Folders, batches: mpsc::UnboundedSender<Batch>, eyes: Eyes) -> Self {
        let (due, last, known) = Default::default();
        let mut watching = Self { folders, batches, eyes, due, last, known };
        watching.survey();
        watching
    }

    fn run(mut self, signals: &Receiver<Signal>) {
        loop {
            let next = self.due.values().map(|due| due.at).min();
            let wait = next
                .map_or(Duration::from_hours(1), |at| at.saturating_duration_since(Instant::now()));
            match signals.recv_timeout(wait) {
                Ok(Signal::Seen(event)) => self.take(&event),
                Ok(Signal::Folders(folders)) => self.take_folders(folders),
                Ok(Signal::Lost) => self.everything(),
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.batches.is_closed() || !self.flush() {
                return;
            }
        }
    }

    /// Notes every file there is.
    fn survey(&mut self) {
        let folders = self.folders.all().into_iter();
        self.known = folders.flat_map(|folder| files(folder)).collect();
        self.known.insert(self.folders.config());
    }

    fn take(&mut self, event: &Event) {
        let Some(why) = Why::of(event.kind) else { return };
        let moves = matches!(
            event.kind,
            EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        );
        for path in &event.paths {
            let is_home = self.folders.are_in(path);
            if is_home && moves {
                // A folder of the site's came, or went, or is another by now.
                self.eyes.forget(path);
                self.look();
            }
            if !is_home && !self.folders.concern(path) {
                continue;
            }
            if !path.is_dir() {
                self.put(path.clone(), why);
            } else if moves {
                // What came with a new folder came before it was watched; what was in one of its
                // name may be gone.
                self.found(path);
                self.put(path.clone(), Why::Gone);
            }
        }
    }

    fn put(&mut self, path: PathBuf, why: Why) {
        self.last = Some(Instant::now());
        self.wait(path, why);
    }

    fn wait(&mut self, path: PathBuf, why: Why) {
        let due = Due::new(&path, why);
        // Rights that are given to it, or a time, put off nothing.
        if why == Why::Marked && self.due.contains_key(&path) {
            return;
        }
        self.due.insert(path, due);
    }

    /// The files of a folder may be new.
    fn found(&mut self, folder: &Path) {
        for file in files(folder) {
            if self.folders.concern(&file) {
                self.put(file, Why::Found);
            }
        }
    }

    /// Watches what there is by now.
    fn look(&mut self) {
        let (new, ended) = self.eyes.look(&self.folders);
        if let Err(error) = ended {
            tracing::warn!("{}", failed(error).chain().join(": "));
        }
        for folder in &new {
            self.found(folder);
        }
    }

    fn take_folders(&mut self, folders: Folders) {
        self.folders = folders;
        let (_, ended) = self.eyes.look(&self.folders);
        if let Err(error) = ended {
            tracing::warn!("{}", failed(error).chain().join(": "));
        }
        self.survey();
    }

    /// Events were lost: anything may have changed, and folders may have come that nobody watches.
    fn everything(&mut self) {
        self.eyes.forget(Path::new(""));
        self.take_folders(self.folders.clone());
        self.due.clear();
        let batch = Batch { config: true, since: Some(Instant::now()), ..Batch::default() };
        let _ = self.batches.send(batch);
    }

    /// Hands over what is due; false where nobody takes it any more.
    fn flush(&mut self) -> bool {
        let now = Instant::now();
        if !self.due.values().any(|due| due.at <= now) {
            return true;
        }
        // What is about to be due goes along.
        let soon = now + CLOSED;
        let due = self.due.iter().filter(|(_, due)| due.at <= soon);
        let due: Vec<PathBuf> = due.map(|(path, _)| path.clone()).collect();
        let mut batch = Batch { since: self.last, ..Batch::default() };
        for path in due {
            if let Some(due) = self.due.remove(&path) {
                self.look_at(path, &due, &mut batch);
            }
        }
        batch.tidy();
        batch.is_empty() || self.batches.send(batch).is_ok()
    }

    fn look_at(&mut self, path: PathBuf, due: &Due, batch: &mut Batch) {
        match path.metadata() {
            Ok(there) if there.is_dir() => {
                self.gone(&path, batch);
                // What came before the folder was watched, and after it was looked through.
                for file in files(&path) {
                    if !self.known.contains(&file) && self.folders.concern(&file) {
                        self.wait(file, Why::Found);
                    }
                }
            }
            Ok(there) if !due.is_settled(&there) => self.wait(path, Why::Written),
            Ok(_) => {
                self.folders.sort(&path, batch);
                self.known.insert(path);
            }
            Err(_) if !due.missed => self.wait(path, Why::Gone),
            Err(_) => self.gone(&path, batch),
        }
    }

    /// Files that are not there any more: this one, or those of a folder.
    fn gone(&mut self, path: &Path, batch: &mut Batch) {
        let gone: Vec<PathBuf> = if self.known.contains(path) {
            vec![path.to_owned()]
        } else {
            let below = self.known.iter().filter(|known| known.starts_with(path));
            below.filter(|known| !known.exists()).cloned().collect()
        };
        for file in gone {
            self.known.remove(&file);
            self.folders.sort(&file, batch);
        }
    }
}

/// The files below a folder that a build looks at; what cannot be listed is left out.
fn files(folder: &Path) -> Vec<PathBuf> {
    fs::files_found(folder).into_iter().map(|file| folder.join(file)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides};

    /// What is told of a file, within a minute.
    fn told(batches: &mut mpsc::UnboundedReceiver<Batch>, good: impl Fn(&Batch) -> bool) {
        let end = Instant::now() + Duration::from_mins(1);
        while Instant::now() < end {
            if batches.try_recv().is_ok_and(|batch| good(&batch)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("it was never told");
    }

    #[test]
    fn rights_that_are_given_after_closing_put_off_nothing() {
        use notify::event::{AccessKind, AccessMode, MetadataKind};
        let site = tempfile::tempdir().unwrap();
        let text = "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"";
        std::fs::write(site.path().join("frieze.toml"), text).unwrap();
        let config = Config::load(site.path(), &Overrides::default(), &|_| None).unwrap();
        let folders = Folders::of(&config);
        let file = folders.config();
        let (send, _batches) = mpsc::unbounded_channel();
        let watcher = notify::recommended_watcher(|_| {}).unwrap();
        let mut watching = Watching::new(folders, send, Eyes::new(watcher));
        let marked = EventKind::Modify(ModifyKind::Metadata(MetadataKind::Any));
        let closed = EventKind::Access(AccessKind::Close(AccessMode::Write));
        watching.take(&Event::new(closed).add_path(file.clone()));
        let at = watching.due[&file].at;
        watching.take(&Event::new(marked).add_path(file.clone()));
        assert_eq!(watching.due[&file].at, at);
        // By themselves they are something that happened.
        watching.due.clear();
        watching.take(&Event::new(marked).add_path(file.clone()));
        assert!(watching.due.contains_key(&file));
    }

    #[test]
    fn what_came_while_events_were_lost_is_watched_too() {
        let site = tempfile::tempdir().unwrap();
        let text = "[site]\ntitle = \"x\"\nbase_url = \"https://x.example\"";
        std::fs::write(site.path().join("frieze.toml"), text).unwrap();
        let config = Config::load(site.path(), &Overrides::default(), &|_| None).unwrap();
        let folders = Folders::of(&config);
        let (send, mut batches) = mpsc::unbounded_channel();
        let (orders, signals) = channel();
        let seen = orders.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let _ = seen.send(Signal::Seen(event.unwrap()));
        });
        // Nothing is watched yet: whatever happens is lost.
        let watching = Watching::new(folders, send, Eyes::new(watcher.unwrap()));
        let posts = site.path().join("content/posts");
        std::fs::create_dir_all(&posts).unwrap();
        std::fs::write(posts.join("a.md"), "one").unwrap();
        let thread = std::thread::spawn(move || watching.run(&signals));
        orders.send(Signal::Lost).unwrap();
        told(&mut batches, |batch| batch.config);
        std::fs::remove_file(posts.join("a.md")).unwrap();
        told(&mut batches, |batch| batch.content == ["posts/a.md"]);
        std::fs::write(posts.join("b.md"), "two").unwrap();
        told(&mut batches, |batch| batch.content == ["posts/b.md"]);
        orders.send(Signal::Stop).unwrap();
        thread.join().unwrap();
    }
}
