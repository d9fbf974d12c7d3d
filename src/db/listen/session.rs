//! One session that listens, and the lock that says so.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use tokio::time::timeout;

use super::triggers;

const CHANNEL: &str = "frieze_rows";

/// Nothing waits longer for a session to end.
const PATIENCE: Duration = Duration::from_secs(2);

pub struct Session {
    listener: PgListener,
    pool: PgPool,
}

impl Session {
    /// Connects, listens, and takes the lock: whoever stops meanwhile leaves the triggers from here
    /// on.
    pub async fn open(options: &PgConnectOptions) -> sqlx::Result<Self> {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options.clone());
        let mut listener = PgListener::connect_with(&pool).await?;
        // Who connects again has to lock again, and to say that something may be missed.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        sqlx::query(triggers::HOLD).persistent(false).execute(&mut listener).await?;
        Ok(Self { listener, pool })
    }

    /// What was told next; nothing more where the connection has broken.
    pub async fn told(&mut self) -> Option<String> {
        let told = self.listener.try_recv().await.ok().flatten()?;
        Some(told.payload().to_owned())
    }

    pub async fn make_triggers(&mut self, tables: &[String]) -> sqlx::Result<()> {
        triggers::make(&mut self.listener, tables).await
    }

    /// Whether the triggers are there; if not, they are made.
    pub async fn look_after(&mut self, tables: &[String]) -> sqlx::Result<bool> {
        if triggers::are_there(&mut self.listener, tables).await? {
            return Ok(true);
        }
        self.make_triggers(tables).await?;
        Ok(false)
    }

    /// Gives the lock back and ends.
    pub async fn close(mut self) {
        let ended = async {
            let _ =
                sqlx::query(triggers::LET_GO).persistent(false).execute(&mut self.listener).await;
            drop(self.listener);
            self.pool.close().await;
        };
        let _ = timeout(PATIENCE, ended).await;
    }
}

/// Where notifications are sent to.
pub const fn channel() -> &'static str {
    CHANNEL
}
