//! What people, open pages and the status page are told of.

use std::sync::{Arc, PoisonError};

use tokio::task::spawn_blocking;

use super::attendant::Attendant;
use crate::error::Result;
use crate::pipeline::live::Keeper;
use crate::serve::events::Event;
use crate::serve::faults::Doing;
use crate::serve::http::Site as _;
use crate::serve::warm;

/// So many pages that were wrong are looked at again after a change.
const LOOKED: usize = 20;

impl Attendant<'_> {
    pub(super) fn note(&self, doing: Doing, ended: Result<()>) {
        let ended = ended.map_err(Arc::new);
        let error = ended.as_ref().err().cloned();
        let (_, news) = self.desk.faults.note(doing, ended);
        self.desk.news(&news, error.as_deref());
    }

    /// Open pages hear of it.
    pub(super) fn changed(&mut self, event: Event) {
        self.desk.moved();
        let at = self.desk.at();
        self.desk.tell(match event {
            Event::Page { .. } => Event::Page { at },
            Event::Swap { files, .. } => Event::Swap { at, files },
            Event::Fault => Event::Fault,
        });
        // Header rules are whole again before anybody asks for another page.
        let desk = Arc::clone(&self.desk);
        spawn_blocking(move || warm::warm(&desk));
        self.look_again();
    }

    /// Pages that were wrong may be well now. Nobody waits for that.
    fn look_again(&mut self) {
        let pages = self.desk.faults.newest(LOOKED);
        if let Some(former) = self.looking.take() {
            former.abort();
        }
        if pages.is_empty() {
            return;
        }
        let desk = Arc::clone(&self.desk);
        self.looking = Some(tokio::spawn(async move {
            for shown in pages {
                let desk = Arc::clone(&desk);
                let _ = spawn_blocking(move || drop(desk.answer(&shown.asked()))).await;
            }
        }));
    }

    pub fn database(&self) -> Option<String> {
        self.keeper.as_ref().map(Keeper::describe)
    }

    /// How changes of rows are noticed.
    pub(super) fn tell_facts(&self, all: bool) {
        let embedded = self.keeper.as_ref().is_none_or(Keeper::is_embedded);
        let watching = match (&self.listening, all) {
            _ if embedded => "by the files of content/",
            (Some(_), true) => "as told by triggers",
            (Some(_), false) => "as told by triggers, and by asking for views and queries",
            (None, _) => "by asking",
        };
        let mut facts = self.desk.facts.lock().unwrap_or_else(PoisonError::into_inner);
        facts.database = self.database().unwrap_or_default();
        watching.clone_into(&mut facts.watching);
    }

    pub(super) fn tell_queue(&self, queue: Vec<(String, i64)>) {
        self.desk.facts.lock().unwrap_or_else(PoisonError::into_inner).queue = queue;
    }
}
