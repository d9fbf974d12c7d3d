//! The one who writes: entries in batches, each batch synced, and the file made anew once it is long
//! or cannot be trusted.

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use tokio::sync::{mpsc, oneshot, watch};

use super::disk::{Disk, Paper};
use super::{Written, held, lines};
use crate::error::{Error, Result};
use crate::fs;
use crate::hook::clock::Clock;
use crate::hook::state::{Entry, State};

/// How much is written before the file is made anew.
pub const MOST: u64 = 1 << 20;

/// Entries that wait to be written; whoever comes later waits for a place.
pub const QUEUE: usize = 1024;

pub type Message = (Entry, oneshot::Sender<Written>);

pub struct Writer {
    path: PathBuf,
    disk: Box<dyn Disk>,
    /// None after a failure: how the file ends then is anybody's guess.
    file: Option<Box<dyn Paper>>,
    /// The file may still go by its former content after a power cut.
    is_renamed: bool,
    /// Of what is written and whole.
    length: u64,
    /// At this length the file is made anew.
    most: u64,
    state: Arc<Mutex<State>>,
    clock: Arc<Clock>,
    changed: watch::Sender<()>,
    _lock: File,
}

impl Writer {
    pub fn new(
        path: PathBuf,
        disk: Box<dyn Disk>,
        (state, clock, changed): (Arc<Mutex<State>>, Arc<Clock>, watch::Sender<()>),
        lock: File,
    ) -> Result<Self> {
        let (file, is_renamed, length, most) = (None, false, 0, MOST);
        let mut writer =
            Self { path, disk, file, is_renamed, length, most, state, clock, changed, _lock: lock };
        writer.begin_anew()?;
        Ok(writer)
    }

    pub fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.blocking_recv() {
            let mut batch = vec![first];
            while let Ok(next) = messages.try_recv() {
                batch.push(next);
                if batch.len() >= QUEUE {
                    break;
                }
            }
            self.take(batch);
        }
    }

    fn take(&mut self, batch: Vec<Message>) {
        // Everybody's time is the same: nothing may lie before what was written earlier.
        let by = self.clock.off();
        let now = self.clock.now().saturating_add(by);
        let mut ids = HashSet::new();
        let (mut entries, mut waiting) = (Vec::new(), Vec::new());
        if by != 0 {
            entries.push(Entry::Clock { by });
        }
        for (mut entry, tell) in batch {
            if let Some(id) = entry.id()
                && (held(&self.state).has_seen(id) || !ids.insert(id))
            {
                let _ = tell.send(Written::Before);
                continue;
            }
            entry.stamp(now);
            if !matches!(entry, Entry::Clock { .. }) {
                entries.push(entry);
            }
            waiting.push(tell);
        }
        let written = self.write(entries, by);
        for tell in waiting {
            let _ = tell.send(written);
        }
        self.changed.send_replace(());
        if self.length > self.most
            && let Err(error) = self.begin_anew()
        {
            tracing::warn!("the journal stays long: {}", error.chain().join(": "));
        }
    }

    fn write(&mut self, entries: Vec<Entry>, by: i64) -> Written {
        let mut text = Vec::new();
        for entry in &entries {
            lines::put(&mut text, entry);
        }
        if let Err(error) = self.append(&text) {
            tracing::error!("nothing can be accepted: {}", error.chain().join(": "));
            return Written::Not;
        }
        if by != 0 {
            tracing::warn!(seconds = by / 1000, "the clock was set");
        }
        // Who looks sees the clock and what goes by it move together.
        let mut state = held(&self.state);
        self.clock.set(by);
        for entry in entries {
            state.apply(entry);
        }
        Written::Durably
    }

    fn append(&mut self, text: &[u8]) -> Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if self.file.is_none() {
            self.begin_anew()?;
        }
        self.sync_folder()?;
        let Some(mut file) = self.file.take() else {
            return Err(Error::output(format!("{} is not open", self.path.display())));
        };
        if let Err(error) = file.write_all(text).and_then(|()| file.sync()) {
            // Nobody is told of these lines, so they should not count after a start. Where even that
            // fails they do, which costs a deployment; nothing is written behind them.
            let _ = file.cut(self.length);
            return Err(fs::failed("write", &self.path, error));
        }
        self.file = Some(file);
        self.length += text.len() as u64;
        Ok(())
    }

    /// Puts a file in place of the journal that holds the state alone.
    fn begin_anew(&mut self) -> Result<()> {
        let text = lines::whole(&held(&self.state));
        let new = self.path.with_extension("new");
        let made = self.disk.create(&new).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync()?;
            self.disk.rename(&new, &self.path)?;
            Ok(file)
        });
        let file = made.map_err(|error| {
            // What it holds may be all the room there is.
            let _ = self.disk.remove(&new);
            fs::failed("write", &self.path, error)
        })?;
        // From here on this is the journal, whatever else goes wrong.
        self.file = Some(file);
        self.is_renamed = true;
        self.length = text.len() as u64;
        self.most = MOST.max(self.length * 2);
        self.sync_folder()
    }

    /// What is written to a file that might be gone after a power cut is not acknowledged.
    fn sync_folder(&mut self) -> Result<()> {
        if self.is_renamed
            && let Some(folder) = self.path.parent()
        {
            let synced = self.disk.sync_folder(folder);
            synced.map_err(|error| fs::failed("sync", folder, error))?;
        }
        self.is_renamed = false;
        Ok(())
    }
}
