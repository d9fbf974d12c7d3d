//! What jobs with the database came to.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::asked::{Ask, Label};
use super::attendant::Attendant;
use super::jobs::{Ended, Finished};
use crate::db::seed::Touched;
use crate::error::{Error, Kind, Result};
use crate::pipeline::live::{Keeper, Live, RowChange};
use crate::serve::events::Event;
use crate::serve::faults::Doing;
use crate::serve::watch::Batch;

/// How long after a look at the database's rows the next one begins, and how much longer than the
/// look itself took.
const POLL: Duration = Duration::from_secs(1);
const REST: u32 = 10;
/// The same where triggers tell of everything they can: of partitions and policies they cannot.
const SLOW: Duration = Duration::from_secs(30);

impl Attendant<'_> {
    pub(super) async fn finish(&mut self, finished: Result<Finished>) {
        match finished {
            Ok(Finished { keeper, ended, took }) => {
                self.keeper = keeper;
                self.ended(ended, took).await;
            }
            // The connection went with it.
            Err(error) => {
                self.stumble();
                self.opened(Err(error), false).await;
            }
        }
    }

    async fn ended(&mut self, ended: Ended, took: Duration) {
        match ended {
            Ended::Opened(live, read) => {
                self.slowest = self.slowest.max(took);
                self.opened(live, read).await;
            }
            Ended::Listening { listening, all, failed, queue } => {
                if failed {
                    self.listen_again.failed();
                } else {
                    self.listen_again.well();
                }
                self.pace = if listening.is_some() && all { SLOW } else { POLL };
                self.listening = listening;
                // What was written since the rows were read.
                self.due.poll = self.keeper.as_ref().is_some_and(|keeper| !keeper.is_embedded());
                self.tell_facts(all);
                self.tell_queue(queue);
            }
            Ended::Queue(queue, asked) => {
                self.tell_queue(queue);
                // Whoever does not wait any more needs no answer.
                for question in asked {
                    let _ = question.try_send(());
                }
            }
            Ended::Rows(ask, changes, ended) => self.rows(ask, changes, ended, took).await,
            Ended::Polled(touched) => self.polled(touched, took),
        }
    }

    async fn opened(&mut self, live: Result<Box<Live>>, read: bool) {
        let label = std::mem::take(&mut self.due.opened);
        let (held, meanwhile) =
            (std::mem::take(&mut self.held), std::mem::take(&mut self.meanwhile));
        let open = live.is_ok();
        match live {
            Ok(live) => self.serve(*live).await,
            Err(error) => self.not_opened(error, read, held).await,
        }
        self.desk.opened();
        if open {
            self.settle().await;
        }
        self.changed(Event::Page { at: String::new() });
        self.tell(label);
        self.caught_up(meanwhile, open).await;
    }

    /// The new site takes the place of the former.
    async fn serve(&mut self, live: Live) {
        let former = self.desk.write().await.replace(live);
        // Its works end when what they began is done.
        spawn_blocking(move || drop(former));
        self.serving = Some(Arc::clone(&self.config));
        self.unsettled = Batch::default();
        (self.reopen, self.behind) = (false, false);
        self.retry.well();
        let read = std::mem::take(&mut self.due.rows);
        self.tell(read.label);
        self.due.listen = true;
        self.fetching.anew();
        let news = self.desk.faults.anew();
        self.desk.news(&news, None);
    }

    /// The former site stands, with the files that came along.
    async fn not_opened(&mut self, error: Error, read: bool, held: Batch) {
        self.reopen = true;
        let away = self.is_away(&error);
        if away {
            self.retry.failed();
        }
        self.note(Doing::Opening, Err(error));
        if self.serving.is_none() {
            return;
        }
        if read {
            // What was told of rows was told to the site that did not come to be.
            self.behind = true;
            self.due.rows.again |= !away;
        }
        if !held.is_empty() {
            self.apply(held).await;
            self.settle().await;
        }
    }

    /// Files that changed meanwhile were read before or after: they are looked at again.
    async fn caught_up(&mut self, meanwhile: Batch, open: bool) {
        if meanwhile.is_empty() {
            return;
        }
        if !open || meanwhile.config || meanwhile.migrations {
            return self.reload(meanwhile).await;
        }
        let (event, rows) = self.apply(meanwhile).await;
        if !rows {
            self.settle().await;
            self.changed(event);
        }
    }

    async fn rows(&mut self, ask: Ask, changes: Vec<RowChange>, ended: Result<()>, took: Duration) {
        let nothing = changes.is_empty() && ask.files.is_empty() && ended.is_ok();
        match ended {
            Ok(()) => {
                self.well(took);
                self.note(Doing::Content, Ok(()));
            }
            Err(error) => self.not_read(&ask, error),
        }
        self.settle_with(|live| live.rows_changed(changes)).await;
        if !nothing {
            self.changed(Event::Page { at: String::new() });
        }
        self.tell(ask.label);
    }

    fn not_read(&mut self, ask: &Ask, error: Error) {
        let is_database = error.kind() == Kind::Database;
        self.behind |= ask.again || is_database;
        if self.is_away(&error) {
            self.retry.failed();
        }
        self.unsettled.content.extend(ask.files.iter().cloned());
        self.note(if is_database { Doing::Database } else { Doing::Content }, Err(error));
    }

    fn polled(&mut self, touched: Result<Touched>, took: Duration) {
        match touched {
            Ok(Touched { tables, .. }) => {
                self.well(took);
                if !tables.is_empty() {
                    self.due.rows.rows_of(tables.clone());
                    self.due.rows.touched.tables.extend(tables);
                }
            }
            Err(error) => {
                self.behind = true;
                self.retry.failed();
                self.note(Doing::Database, Err(error));
                self.changed(Event::Fault);
            }
        }
    }

    /// The database answered.
    fn well(&mut self, took: Duration) {
        self.behind = false;
        self.retry.well();
        self.note(Doing::Database, Ok(()));
        self.slowest = self.slowest.max(took);
        let embedded = self.keeper.as_ref().is_none_or(Keeper::is_embedded);
        let pause = self.pace.max(took * REST);
        self.poll = (!embedded).then(|| tokio::time::Instant::now() + pause);
    }

    /// Whether it may be well again without anybody changing a file. The embedded database takes
    /// what files say: what it refuses, it refuses until those are mended.
    fn is_away(&self, error: &Error) -> bool {
        let embedded = self.keeper.as_ref().is_some_and(Keeper::is_embedded);
        error.absence().is_some() || error.kind() == Kind::Database && !embedded
    }

    fn tell(&self, label: Label) {
        if let Some((what, since)) = label.told() {
            self.desk.noted(what, since.elapsed());
        }
    }
}
