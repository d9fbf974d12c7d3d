//! The end: the database is left as it was found, as far as it answers.

use std::time::Duration;

use super::attendant::Attendant;
use super::jobs::{Ended, Finished};
use crate::db::Database;

/// How long the database may take at the end.
const END: Duration = Duration::from_secs(3);

impl Attendant<'_> {
    /// Leaves the database as it was found. One that does not answer is left.
    pub async fn close(&mut self) {
        let _ = tokio::time::timeout(END, self.hang_up()).await;
    }

    async fn hang_up(&mut self) {
        if let Some(job) = self.job.take() {
            let finished = job.end(END / 3).await;
            if let Some(Finished { keeper, ended, .. }) = finished {
                self.keeper = keeper;
                // It may have begun to listen by now.
                if let Ended::Listening { listening, .. } = ended {
                    self.listening = listening;
                }
            }
        }
        if let Some(listening) = self.listening.take() {
            match &self.keeper {
                Some(keeper) => listening.end(keeper.database()).await,
                None => {
                    if let Ok(database) = Database::open(&self.config.database).await {
                        listening.end(&database).await;
                    }
                }
            }
        }
        if let Some(keeper) = self.keeper.take()
            && let Err(error) = keeper.close().await
        {
            tracing::warn!("{}", error.chain().join(": "));
        }
    }
}
