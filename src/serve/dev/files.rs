//! Files that changed: templates and assets at once, rows through the database.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::attendant::Attendant;
use crate::error::Result;
use crate::pipeline::live::{Keeper, Live, Swaps};
use crate::serve::events::Event;
use crate::serve::faults::Doing;
use crate::serve::watch::{Batch, Folders};

impl Attendant<'_> {
    /// Files changed.
    pub async fn take(&mut self, mut batch: Batch, more: &mut mpsc::UnboundedReceiver<Batch>) {
        while let Ok(other) = more.try_recv() {
            batch.merge(other);
        }
        self.stand_up();
        if self.opening() {
            self.meanwhile.merge(batch.clone());
        }
        let whole = batch.config || batch.migrations;
        if self.serving.is_none() || whole {
            if !self.opening() {
                self.reload(batch).await;
            }
            return;
        }
        if self.reopen && !self.opening() {
            self.load();
        }
        self.files(batch).await;
    }

    /// The site is to be made anew of everything; the batch is what changed beside.
    pub(super) async fn reload(&mut self, mut batch: Batch) {
        let since = batch.since.unwrap_or_else(Instant::now);
        let label = batch.label();
        let read = self.load();
        (batch.config, batch.migrations) = (false, false);
        if read {
            self.due.opened.add(label, since);
            self.held.merge(batch);
            return;
        }
        if self.serving.is_some() && !batch.is_empty() {
            return self.files(batch).await;
        }
        self.changed(Event::Page { at: String::new() });
        self.desk.noted(label, since.elapsed());
    }

    /// Reads the configuration; whether it could be read.
    fn load(&mut self) -> bool {
        match (self.load)() {
            Ok(config) => {
                let folders = Folders::of(&config);
                if folders != Folders::of(&self.config) {
                    self.watch.look_elsewhere(folders);
                }
                self.config = Arc::new(config);
                self.due.open = true;
                true
            }
            Err(error) => {
                self.reopen = true;
                self.note(Doing::Opening, Err(error));
                false
            }
        }
    }

    /// Files of the site there is.
    pub(super) async fn files(&mut self, batch: Batch) {
        let since = batch.since.unwrap_or_else(Instant::now);
        let mut label = batch.label();
        let elsewhere = self.keeper.as_ref().is_some_and(|keeper| !keeper.is_embedded());
        if elsewhere && batch.content.iter().any(|name| !Live::is_picture(name)) {
            label += ": rows are those of the database, where `frieze db seed` takes files";
        }
        let (event, rows) = self.apply(batch).await;
        if rows && self.job.is_none() && self.keeper.is_some() {
            // Both at once: nobody sees the one without the other.
            self.due.rows.label.add(label, since);
            return;
        }
        self.settle().await;
        self.changed(event);
        self.desk.noted(label, since.elapsed());
    }

    /// Takes them; what open pages are to be told, and whether rows are still to come.
    pub(super) async fn apply(&mut self, mut batch: Batch) -> (Event, bool) {
        batch.merge(std::mem::take(&mut self.unsettled));
        let (mut swaps, mut anew) = (Swaps::default(), false);
        if !batch.templates.is_empty() {
            anew = true;
            let changed = self.with_live(|live| {
                rehearse(&batch.templates);
                let changed = live.templates_changed(&batch.templates);
                changed.map(|()| live.wants_rows())
            });
            let changed = changed.await;
            self.due.rows.again |= changed.as_ref().is_ok_and(|wants| *wants);
            let changed = changed.map(drop);
            self.note(Doing::Templates, changed);
        }
        let (pictures, rows): (Vec<_>, Vec<_>) =
            batch.content.into_iter().partition(|name| Live::is_picture(name));
        if !batch.statics.is_empty() || !pictures.is_empty() {
            swaps = self.assets(batch.statics, pictures).await;
        }
        let embedded = self.keeper.as_ref().is_none_or(Keeper::is_embedded);
        let follow = embedded && !rows.is_empty();
        if follow {
            self.due.rows.files.extend(rows);
            self.due.rows.files.sort();
            self.due.rows.files.dedup();
        }
        let at = String::new();
        let page = anew || follow || swaps.more || swaps.files.is_empty();
        let event = if page { Event::Page { at } } else { Event::Swap { at, files: swaps.files } };
        (event, follow)
    }

    /// After every change: the site is brought up to what it is made of, and its images are looked
    /// for.
    pub(super) async fn settle(&mut self) {
        self.settle_with(|_| Ok(())).await;
    }

    /// The same after a last change. Who asks for a page meanwhile waits for its new images.
    pub(super) async fn settle_with(&mut self, change: impl FnOnce(&mut Live) -> Result<()>) {
        let (desk, known) = (Arc::clone(&self.desk), self.fetching.known());
        let settle = |live: &mut Live| {
            change(live)?;
            let settled = live.settle();
            if !live.wanted(&known).urls.is_empty() {
                desk.fetching(true);
            }
            settled
        };
        let settled = self.with_live(settle).await;
        self.note(Doing::Assembling, settled);
        self.fetch().await;
    }

    /// Whether every image is there. Of those elsewhere it is known.
    pub(super) async fn check(&mut self) {
        let but = self.fetching.known();
        let checked: Result<()> = self.with_live(|live| live.check_images(&but)).await;
        self.note(Doing::Images, checked);
    }
}

/// Where programs are tested, this file is a mistake of ours.
fn rehearse(templates: &[String]) {
    let named = || templates.iter().any(|name| name == "frieze-stumbles.html");
    assert!(!cfg!(debug_assertions) || !named(), "as it was asked to");
}
