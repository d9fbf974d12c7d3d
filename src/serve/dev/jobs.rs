//! Work with the database, each in a task of its own: files that are edited meanwhile do not wait
//! for it, and a database that does not answer holds up nobody.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::spawn_blocking;

use super::super::desk::{Desk, Question};
use super::asked::Ask;
use super::listening::Listening;
use super::panics::joined;
use crate::config::Config;
use crate::db::Database;
use crate::db::seed::Touched;
use crate::error::{Absence, Error, Kind, Result};
use crate::pipeline::live::{Keeper, Live, Ready, RowChange};
use crate::source::{LayoutRow, Snapshot};

/// How long a database may take to answer one question, and to tell everything it has.
const STEP: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_mins(2);

pub enum Job {
    /// Makes the site of everything. The listening is that of another database, to be ended.
    Open {
        drafts: bool,
        again: bool,
        other: bool,
        former: Option<Listening>,
    },
    Listen {
        former: Option<Listening>,
    },
    Rows(Ask),
    Queue(Vec<Question>),
    Poll,
}

/// What a job came to.
pub enum Ended {
    /// And whether the database was read for it.
    Opened(Result<Box<Live>>, bool),
    /// And whether single rows of everything can be heard of.
    Listening {
        listening: Option<Listening>,
        all: bool,
        /// It could not be begun now, and may be later.
        failed: bool,
        queue: Vec<(String, i64)>,
    },
    /// What the good files say is there, whatever a bad one says.
    Rows(Ask, Vec<RowChange>, Result<()>),
    /// And who asked.
    Queue(Vec<(String, i64)>, Vec<Question>),
    Polled(Result<Touched>),
}

/// What every job is given.
pub struct Tools {
    pub desk: Arc<Desk>,
    pub config: Arc<Config>,
    pub keeper: Option<Keeper>,
    /// The longest that the database took to answer so far.
    pub slowest: Duration,
}

pub struct Finished {
    pub keeper: Option<Keeper>,
    pub ended: Ended,
    pub took: Duration,
}

impl Job {
    pub async fn run(self, mut tools: Tools) -> Finished {
        let begun = Instant::now();
        let ended = match self {
            Self::Open { drafts, again, other, former } => {
                if other {
                    tools.hang_up(former).await;
                }
                let mut read = false;
                let live = tools.open(drafts, again, &mut read).await;
                Ended::Opened(live.map(Box::new), read)
            }
            Self::Listen { former } => tools.listen(former).await,
            Self::Rows(ask) => {
                let (changes, ended) = tools.rows(&ask).await;
                Ended::Rows(ask, changes, ended)
            }
            Self::Queue(asked) => Ended::Queue(tools.queue().await, asked),
            Self::Poll => Ended::Polled(tools.poll().await),
        };
        Finished { keeper: tools.keeper, ended, took: begun.elapsed() }
    }
}

impl Tools {
    /// The former database is not this one.
    async fn hang_up(&mut self, former: Option<Listening>) {
        let Some(keeper) = self.keeper.take() else { return };
        if let Some(listening) = former {
            let _ = tokio::time::timeout(STEP, listening.end(keeper.database())).await;
        }
        if let Ok(Err(error)) = tokio::time::timeout(STEP, keeper.close()).await {
            tracing::warn!("{}", error.chain().join(": "));
        }
    }

    async fn open(&mut self, drafts: bool, again: bool, read: &mut bool) -> Result<Live> {
        let config = Arc::clone(&self.config);
        let prepare = {
            let config = Arc::clone(&config);
            async move { joined(spawn_blocking(move || Ready::new(&config)).await) }
        };
        let (ready, rows) = if again {
            // What is wrong with files is found before the database is asked.
            let ready = prepare.await?;
            let rows = self.read(drafts).await;
            // Where `content/` could not be read, the database is as it was.
            *read = rows.is_ok() || !self.keeper.as_ref().is_some_and(Keeper::is_unmoved);
            (ready, rows?)
        } else {
            let (ready, rows) = tokio::join!(prepare, self.read(drafts));
            let rows = rows?;
            (ready?, rows)
        };
        let (snapshot, drafts) = rows;
        let make = move || {
            let live = Live::new((*config).clone(), ready, snapshot, drafts)?;
            live.warm();
            Ok(live)
        };
        joined(spawn_blocking(make).await)
    }

    async fn read(&mut self, drafts: bool) -> Result<(Snapshot, Option<Vec<LayoutRow>>)> {
        if self.keeper.is_none() {
            // Whoever edits wants to know now that it is away, and it is asked again soon.
            let mut config = (*self.config).clone();
            config.database.patience = Duration::ZERO;
            self.keeper = Some(Keeper::open(&config, drafts).await?);
        }
        let config = Arc::clone(&self.config);
        let Some((keeper, limit)) = self.keeper(WHOLE) else { return Err(gone()) };
        let read = within(limit, keeper.read(&config)).await;
        tidied(keeper, read)
    }

    /// The keeper, and how long it may take; an embedded database is never away.
    fn keeper(&mut self, limit: Duration) -> Option<(&mut Keeper, Option<Duration>)> {
        let limit = limit.max(self.slowest * 5);
        let keeper = self.keeper.as_mut()?;
        let limit = (!keeper.is_embedded()).then_some(limit);
        Some((keeper, limit))
    }

    async fn listen(&mut self, former: Option<Listening>) -> Ended {
        let config = Arc::clone(&self.config);
        let (mut listening, mut all, mut failed) = (former, true, false);
        if let Some((keeper, Some(_))) = self.keeper(STEP) {
            let (tables, whole) = keeper.tables(&config);
            all = whole;
            let begun = listen(keeper.database(), tables, listening).await;
            failed = begun.is_err();
            listening = begun.unwrap_or_else(|error| {
                tracing::warn!("{}", error.chain().join(": "));
                None
            });
        }
        let queue = self.queue().await;
        Ended::Listening { listening, all, failed, queue }
    }

    async fn queue(&mut self) -> Vec<(String, i64)> {
        let Some((keeper, limit)) = self.keeper(STEP) else { return Vec::new() };
        let counts = within(limit, async { Ok(keeper.queue().await) }).await;
        tidied(keeper, counts).unwrap_or_default()
    }

    async fn rows(&mut self, ask: &Ask) -> (Vec<RowChange>, Result<()>) {
        let (config, desk) = (Arc::clone(&self.config), Arc::clone(&self.desk));
        if !ask.again {
            let Some((keeper, limit)) = self.keeper(STEP) else { return (Vec::new(), Err(gone())) };
            let read = within(limit, async { Ok(changes(&desk, keeper, ask).await) }).await;
            let (changes, ended) = read.unwrap_or_else(|silent| (Vec::new(), Err(silent)));
            match tidied(keeper, ended) {
                // The connection may have ended, and the next one be well.
                Err(error) if limit.is_some() && error.kind() == Kind::Database => {}
                ended => return (changes, ended),
            }
        }
        let Some((keeper, limit)) = self.keeper(WHOLE) else { return (Vec::new(), Err(gone())) };
        let read = within(limit, keeper.again(&config)).await;
        match tidied(keeper, read) {
            Ok(changes) => (changes, Ok(())),
            // The good files are taken all the same.
            Err(error) if keeper.is_unmoved() => (changes(&desk, keeper, ask).await.0, Err(error)),
            Err(error) => (Vec::new(), Err(error)),
        }
    }

    async fn poll(&mut self) -> Result<Touched> {
        let config = Arc::clone(&self.config);
        let Some((keeper, limit)) = self.keeper(STEP) else { return Err(gone()) };
        let touched = within(limit, keeper.poll(&config)).await;
        tidied(keeper, touched)
    }
}

/// What the site has to take. It is held meanwhile, so that rows stay where they are: whoever wants
/// to change it need not wait for a database that may be far away, and this then begins anew.
async fn changes(desk: &Desk, keeper: &mut Keeper, ask: &Ask) -> (Vec<RowChange>, Result<()>) {
    loop {
        let wanted = desk.wanted.notified();
        tokio::pin!(wanted);
        wanted.as_mut().enable();
        let live = desk.live.read().await;
        let Some(live) = live.as_ref() else { return (Vec::new(), Ok(())) };
        if keeper.is_embedded() {
            return keeper.files_changed(live, &ask.files).await;
        }
        tokio::select! {
            biased;
            changes = keeper.rows_changed(live, &ask.touched) => return match changes {
                Ok(changes) => (changes, Ok(())),
                Err(error) => (Vec::new(), Err(error)),
            },
            () = wanted => {}
        }
        keeper.forget_connection();
    }
}

async fn listen(
    database: &Database,
    tables: Vec<String>,
    former: Option<Listening>,
) -> Result<Option<Listening>> {
    if former.as_ref().is_some_and(|former| former.tables == tables) {
        return Ok(former);
    }
    if let Some(former) = former {
        let _ = tokio::time::timeout(STEP, former.end(database)).await;
    }
    let listener = within(Some(STEP), database.listen(&tables)).await?;
    Ok(listener.map(|listener| Listening::begin(listener, tables)))
}

/// Waits no longer than this.
async fn within<T>(limit: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(limit) = limit else { return work.await };
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| Err(silent(limit)))
}

/// After an error of the database, the next question is asked on a new connection.
fn tidied<T>(keeper: &mut Keeper, ended: Result<T>) -> Result<T> {
    if ended.as_ref().is_err_and(|error| error.kind() == Kind::Database) {
        keeper.forget_connection();
    }
    ended
}

fn silent(limit: Duration) -> Error {
    Error::database(format!("the database did not answer within {} s", limit.as_secs()))
        .absent(Absence::Passing)
        .help("look whether the network is there; the database is asked again every few seconds")
}

fn gone() -> Error {
    Error::database("there is no connection to the database").absent(Absence::Passing)
}
