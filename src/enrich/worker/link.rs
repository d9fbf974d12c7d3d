//! A worker's way to the database, which it takes up again where it is lost.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use super::Stop;
use crate::db::Database;
use crate::enrich::SharedConnection;
use crate::error::{Absence, Error, Result};

pub struct Link<'a> {
    pub database: &'a Database,
    pub connection: &'a SharedConnection,
    /// A worker that stands waits for the database for as long as it takes.
    pub is_patient: bool,
    pub stop: &'a Stop,
}

const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_secs(1);
/// A connection that is lost again each time is no way to work.
const TRIES: usize = 5;

impl Link<'_> {
    /// Does some work on the connection; all of it again where that was lost. The work must be such
    /// that doing it twice does no harm.
    pub async fn run<T>(&self, work: impl AsyncFn(&mut PgConnection) -> Result<T>) -> Result<T> {
        let mut tries = 0;
        loop {
            let mut connection = self.connection.lock().await;
            let error = match work(&mut connection).await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            tries += 1;
            if !self.is_patient && tries >= TRIES {
                return Err(error);
            }
            if answers(&mut connection).await {
                if error.absence().is_none() {
                    return Err(error);
                }
            } else {
                *connection = self.connect_again(error).await?;
            }
        }
    }

    async fn connect_again(&self, lost: Error) -> Result<PgConnection> {
        tracing::warn!("{}: connecting again", lost.chain().join(": "));
        loop {
            // Within the time that the configuration says.
            match self.database.connect().await {
                Ok(connection) => return Ok(connection),
                Err(error) if !self.waits(&error) => return Err(error),
                Err(error) => tracing::warn!("{}", error.chain().join(": ")),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn waits(&self, error: &Error) -> bool {
        self.is_patient && self.stop.asked() == 0 && error.absence() == Some(Absence::Passing)
    }
}

async fn answers(connection: &mut PgConnection) -> bool {
    tokio::time::timeout(PATIENCE, connection.ping()).await.is_ok_and(|pong| pong.is_ok())
}
