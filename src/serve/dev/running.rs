//! The job that is being done, on a thread of its own: rows are made there, too.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use super::jobs::{Finished, Job, Tools};
use super::panics::joined;
use crate::error::{Error, Result};

pub struct Running {
    /// It makes the site of everything.
    pub opens: bool,
    task: JoinHandle<Result<Finished>>,
    stop: oneshot::Sender<()>,
}

impl Running {
    pub fn begin(job: Job, tools: Tools) -> Self {
        let (stop, stopped) = oneshot::channel();
        let opens = matches!(job, Job::Open { .. });
        let runtime = Handle::current();
        let task = spawn_blocking(move || {
            runtime.block_on(async {
                tokio::select! {
                    finished = job.run(tools) => Ok(finished),
                    _ = stopped => Err(Error::other("this was stopped")),
                }
            })
        });
        Self { opens, task, stop }
    }

    /// Ends it, at once where it takes longer than this; what it came to, where that is of use.
    pub async fn end(self, patience: Duration) -> Option<Finished> {
        let Self { mut task, stop, .. } = self;
        if let Ok(ended) = tokio::time::timeout(patience, &mut task).await {
            return joined(ended).ok();
        }
        let _ = stop.send(());
        let _ = task.await;
        None
    }
}

/// What the job came to, once it is done; for ever nothing where there is none.
pub async fn done(job: &mut Option<Running>) -> Option<Result<Finished>> {
    let Some(running) = job else { return std::future::pending().await };
    let ended = (&mut running.task).await;
    *job = None;
    Some(joined(ended))
}
