//! Takes changes, one after the other. What needs the database is done beside it, one job at a
//! time; everything else at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, block_in_place};
use tokio::time::Instant;

use super::Load;
use super::asked::Due;
use super::fetching::{Fetching, arrived};
use super::jobs::{Job, Tools};
use super::listening::{Listening, told};
use super::panics::caught;
use super::retry::Retry;
use super::running::{Running, done};
use crate::config::Config;
use crate::error::Result;
use crate::pipeline::live::{Keeper, Live};
use crate::serve::desk::{Desk, Question};
use crate::serve::watch::{Batch, Watch};

/// When a database that is away is asked again.
const SOON: Duration = Duration::from_millis(250);
const LATER: Duration = Duration::from_secs(4);
/// When to try again to be told of rows; until then they are asked for.
const HEARD: Duration = Duration::from_secs(1);
const RARELY: Duration = Duration::from_mins(10);

pub struct Attendant<'a> {
    pub(super) load: &'a Load,
    pub(super) desk: Arc<Desk>,
    pub(super) watch: Watch,
    pub(super) drafts: bool,
    /// The newest configuration that could be read.
    pub(super) config: Arc<Config>,
    /// What the site in memory is made with; none where there is none.
    pub(super) serving: Option<Arc<Config>>,
    /// None while a job has it.
    pub(super) keeper: Option<Keeper>,
    /// The settings it was opened with.
    pub(super) kept: String,
    pub(super) job: Option<Running>,
    pub(super) due: Due,
    /// The last attempt to make the site of everything failed.
    pub(super) reopen: bool,
    /// What the database holds is not what the site was made of.
    pub(super) behind: bool,
    /// Asks a database again that is away.
    pub(super) retry: Retry,
    /// The longest that the database took to answer.
    pub(super) slowest: Duration,
    pub(super) listening: Option<Listening>,
    /// Begins to listen where that could not be done.
    pub(super) listen_again: Retry,
    /// When to look whether something changed; never where files tell.
    pub(super) poll: Option<Instant>,
    /// How long after one look the next begins.
    pub(super) pace: Duration,
    /// Files that changed while the site was being made of everything.
    pub(super) meanwhile: Batch,
    /// Files that came with a configuration, for the site as it is where that cannot be taken.
    pub(super) held: Batch,
    /// Files whose last change could not be taken.
    pub(super) unsettled: Batch,
    pub(super) fetching: Fetching,
    pub(super) looking: Option<JoinHandle<()>>,
    /// How often it stumbled over a mistake of ours since something changed.
    stumbled: usize,
}

impl<'a> Attendant<'a> {
    pub fn new(
        load: &'a Load,
        config: Config,
        drafts: bool,
        desk: Arc<Desk>,
        watch: Watch,
    ) -> Self {
        Self {
            load,
            desk,
            watch,
            drafts,
            config: Arc::new(config),
            serving: None,
            keeper: None,
            kept: String::new(),
            job: None,
            due: Due::default(),
            reopen: false,
            behind: false,
            retry: Retry::new(SOON, LATER),
            slowest: Duration::ZERO,
            listening: None,
            listen_again: Retry::new(HEARD, RARELY),
            poll: None,
            pace: Duration::ZERO,
            meanwhile: Batch::default(),
            held: Batch::default(),
            unsettled: Batch::default(),
            fetching: Fetching::default(),
            looking: None,
            stumbled: 0,
        }
    }

    /// Makes the site of everything, as far as that can be done now. What else the database is asked
    /// at the start, files that are edited do not wait for.
    pub async fn start(&mut self) {
        self.due.open = true;
        loop {
            self.begin();
            let Some(finished) = done(&mut self.job).await else { return };
            self.finish(finished).await;
            if self.serving.is_some() || !self.is_due() {
                return;
            }
        }
    }

    /// Takes changes for ever.
    pub async fn run(
        &mut self,
        changes: &mut mpsc::UnboundedReceiver<Batch>,
        questions: &mut mpsc::UnboundedReceiver<Question>,
    ) {
        loop {
            self.begin();
            let timer = self.timer();
            tokio::select! {
                biased;
                Some(finished) = done(&mut self.job) => self.finish(finished).await,
                Some(batch) = changes.recv() => self.take(batch, changes).await,
                Some(written) = told(self.listening.as_mut()) => self.written(written),
                Some(question) = questions.recv() => self.due.queue.push(question),
                fetched = arrived(&mut self.fetching) => self.fetched(fetched).await,
                () = until(timer) => self.time().await,
            }
        }
    }

    fn is_due(&self) -> bool {
        let (rows, asked) = (!self.due.rows.is_empty(), !self.due.queue.is_empty());
        self.due.open
            || self.keeper.is_some() && (self.due.listen || rows || asked || self.due.poll)
    }

    /// Begins what is due, where nothing else is being done.
    fn begin(&mut self) {
        if self.job.is_some() || !self.is_due() {
            return;
        }
        let due = &mut self.due;
        let mut config = self.serving.as_ref().unwrap_or(&self.config);
        let job = if std::mem::take(&mut due.open) {
            config = &self.config;
            let kept = format!("{:?}", config.database);
            let other = self.keeper.is_some() && kept != self.kept;
            self.kept = kept;
            let former = if other { self.listening.take() } else { None };
            Job::Open { drafts: self.drafts, again: self.serving.is_some(), other, former }
        } else if std::mem::take(&mut due.listen) {
            Job::Listen { former: self.listening.take() }
        } else if !due.rows.is_empty() {
            let mut ask = std::mem::take(&mut due.rows);
            ask.again |= self.behind;
            Job::Rows(ask)
        } else if !due.queue.is_empty() {
            Job::Queue(std::mem::take(&mut due.queue))
        } else {
            due.poll = false;
            Job::Poll
        };
        let (desk, config) = (Arc::clone(&self.desk), Arc::clone(config));
        let tools = Tools { desk, config, keeper: self.keeper.take(), slowest: self.slowest };
        self.job = Some(Running::begin(job, tools));
    }

    /// Whether the site is being made of everything.
    pub(super) fn opening(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.opens)
    }

    /// When something is to be looked at again.
    fn timer(&self) -> Option<Instant> {
        let (listen, poll) = (self.listen_again.at(), self.poll);
        let well = [listen, poll].map(|at| at.filter(|_| !self.behind));
        let database = [self.retry.at()].into_iter().chain(well);
        let database = database.flatten().filter(|_| self.job.is_none());
        database.chain(self.fetching.again()).min()
    }

    async fn time(&mut self) {
        if self.job.is_none() && self.retry.take() {
            if self.reopen || self.serving.is_none() {
                self.due.open = true;
            } else {
                self.due.rows.again = true;
            }
        }
        self.due.listen |= self.listen_again.take();
        if self.poll.take_if(|at| *at <= Instant::now()).is_some() {
            self.due.poll = true;
        }
        if self.fetching.is_due() {
            self.fetch().await;
        }
    }

    /// Somebody wrote rows.
    fn written(&mut self, written: Option<crate::db::listen::Written>) {
        let mut told = vec![written];
        told.extend(self.listening.iter_mut().flat_map(Listening::more));
        self.due.rows.written(told);
    }

    /// Changes the site. A mistake of ours on the way is a fault like others; the site is then made
    /// anew, since nobody knows what was left of it.
    pub(super) async fn with_live<T: Default>(
        &mut self,
        change: impl FnOnce(&mut Live) -> Result<T>,
    ) -> Result<T> {
        let changed = {
            let mut live = self.desk.write().await;
            let change = || live.as_mut().map_or_else(|| Ok(T::default()), change);
            block_in_place(|| caught(change))
        };
        changed.unwrap_or_else(|panic| {
            self.stumble();
            Err(panic)
        })
    }

    pub(super) fn stumble(&mut self) {
        self.reopen = true;
        // Once: where it stumbles again, it waits for the next change.
        self.due.open |= self.stumbled == 0;
        self.stumbled += 1;
    }

    /// Something changed: what failed may go well now.
    pub(super) fn stand_up(&mut self) {
        self.stumbled = 0;
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
