//! A session with the database that is told of rows as they are written.

use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::db::Database;
use crate::db::listen::{Listener, Written};

/// So long is waited after the session broke.
const REST: Duration = Duration::from_secs(1);
/// So long the session may take to notice that it is to end.
const END: Duration = Duration::from_secs(2);

pub struct Listening {
    pub tables: Vec<String>,
    told: mpsc::UnboundedReceiver<Option<Written>>,
    task: JoinHandle<Listener>,
    stop: watch::Sender<bool>,
}

impl Listening {
    pub fn begin(listener: Listener, tables: Vec<String>) -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(listen(listener, tell, stopping));
        Self { tables, told, task, stop }
    }

    /// Whatever else was heard by now.
    pub fn more(&mut self) -> impl Iterator<Item = Option<Written>> {
        std::iter::from_fn(|| self.told.try_recv().ok())
    }

    /// Ends the session, and takes the triggers away where nobody else listens.
    pub async fn end(self, database: &Database) {
        let Self { mut task, stop, .. } = self;
        let _ = stop.send(true);
        let Ok(Ok(listener)) = tokio::time::timeout(END, &mut task).await else {
            return task.abort();
        };
        if let Err(error) = database.stop_listening(listener).await {
            tracing::warn!("{}", error.chain().join(": "));
        }
    }
}

/// What the session heard; for ever nothing where there is none.
pub async fn told(listening: Option<&mut Listening>) -> Option<Option<Written>> {
    match listening {
        Some(listening) => listening.told.recv().await,
        None => std::future::pending().await,
    }
}

async fn listen(
    mut listener: Listener,
    tell: mpsc::UnboundedSender<Option<Written>>,
    mut stopping: watch::Receiver<bool>,
) -> Listener {
    loop {
        let heard = tokio::select! {
            heard = listener.next() => heard,
            _ = stopping.changed() => return listener,
        };
        match heard {
            Ok(written) => drop(tell.send(written)),
            Err(error) => {
                tracing::warn!("{}", error.chain().join(": "));
                // Whether the database is away is found by asking it.
                let _ = tell.send(None);
                tokio::select! {
                    () = tokio::time::sleep(REST) => {}
                    _ = stopping.changed() => return listener,
                }
            }
        }
    }
}
