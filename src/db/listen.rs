//! Being told of changed rows: triggers that notify, and a session that listens.
//!
//! The triggers are made when the first session begins to listen and dropped when the last one
//! ends; a lock that every session holds tells whether there are others. Where triggers cannot be
//! made, or where there is a pooler between that gives every transaction another session, nobody is
//! told anything.

mod session;
mod triggers;

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use tokio::time::{sleep, timeout};

use self::session::Session;
use super::{Database, Server, explain_owner};
use crate::error::{Error, Result};

/// Rows that somebody wrote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Written {
    pub table: String,
    /// Their primary keys; none where that is more than can be told.
    pub keys: Option<Vec<Value>>,
}

/// After so much silence the session is asked whether it is there, and the triggers.
const SILENCE: Duration = Duration::from_secs(30);
/// An answer that takes longer does not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between attempts to connect again.
const PAUSE: Duration = Duration::from_secs(1);

/// Listens until it is closed, and connects again where the connection breaks.
pub struct Listener {
    options: PgConnectOptions,
    tables: Vec<String>,
    session: Option<Session>,
    /// That there is no connection was told.
    is_away: bool,
}

impl Database {
    /// Begins to listen for changes of these tables. None where there is no session to listen in,
    /// or no right to make triggers.
    pub async fn listen(&self, tables: &[String]) -> Result<Option<Listener>> {
        let Server::Remote(address) = &self.server else { return Ok(None) };
        if address.refuse_transaction_pooler().is_err() || tables.is_empty() {
            return Ok(None);
        }
        let (options, tables) = (address.options(), tables.to_vec());
        let mut session = open(&options).await?;
        if let Err(error) = session.make_triggers(&tables).await {
            tracing::info!("no triggers: {error}");
            session.close().await;
            // Of some tables they may have been made.
            if let Err(error) = self.drop_triggers().await {
                tracing::info!("{}", error.chain().join(": "));
            }
            return Ok(None);
        }
        Ok(Some(Listener { options, tables, session: Some(session), is_away: false }))
    }

    /// Stops listening, and drops the triggers unless somebody else listens.
    pub async fn stop_listening(&self, listener: Listener) -> Result<()> {
        if let Some(session) = listener.session {
            session.close().await;
        }
        self.drop_triggers().await
    }

    async fn drop_triggers(&self) -> Result<()> {
        let mut connection = self.connect().await?;
        let dropped = timeout(PATIENCE, triggers::drop_all(&mut connection)).await;
        super::hang_up(connection).await;
        match dropped {
            Ok(dropped) => dropped.map_err(|error| explain_owner(error, DROPPING)),
            Err(_) => Err(Error::database(format!("{DROPPING} took too long"))),
        }
    }
}

const DROPPING: &str = "dropping the triggers that tell of rows";

async fn open(options: &PgConnectOptions) -> Result<Session> {
    const DOING: &str = "listening for changed rows";
    match timeout(PATIENCE, Session::open(options)).await {
        Ok(opened) => opened.map_err(|error| explain_owner(error, DOING)),
        Err(_) => Err(Error::database(format!("{DOING} failed: the server does not answer"))),
    }
}

impl Listener {
    /// What was written next. `None` where anything may have been: after a broken connection, once
    /// changes are told of again. An error, once, where there is no connection to be had; the next
    /// call goes on trying.
    pub async fn next(&mut self) -> Result<Option<Written>> {
        loop {
            let Some(session) = &mut self.session else { return self.connect_again().await };
            match timeout(SILENCE, session.told()).await {
                // What cannot be read is not of these triggers.
                Ok(Some(told)) => {
                    if let Ok(written) = serde_json::from_str(&told) {
                        return Ok(Some(written));
                    }
                }
                Ok(None) => self.session = None,
                Err(_) => {
                    let looked = timeout(PATIENCE, session.look_after(&self.tables)).await;
                    match looked {
                        Ok(Ok(true)) => {}
                        // They were gone, for who knows how long.
                        Ok(Ok(false)) => return Ok(None),
                        Ok(Err(_)) | Err(_) => self.session = None,
                    }
                }
            }
        }
    }

    async fn connect_again(&mut self) -> Result<Option<Written>> {
        loop {
            match open(&self.options).await {
                Ok(mut session) => {
                    // Without triggers nothing is told until they can be made.
                    if let Err(error) = session.make_triggers(&self.tables).await {
                        tracing::info!("no triggers: {error}");
                    }
                    self.session = Some(session);
                    self.is_away = false;
                    return Ok(None);
                }
                Err(error) if !self.is_away => {
                    self.is_away = true;
                    return Err(error);
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}
