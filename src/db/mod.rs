//! The database: connecting to it, or booting the embedded one; migrating, and saying what went
//! wrong in words that help.

mod address;
mod alone;
mod arguments;
pub mod check;
pub mod deploys;
#[cfg(feature = "embedded")]
mod embedded;
pub mod enriched;
mod errors;
pub mod export;
pub mod listen;
pub mod migrate;
mod names;
mod retry;
mod runtime;
pub mod seed;
mod unreachable;

use std::path::Path;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};

use self::address::Address;
pub(crate) use self::alone::alone;
pub use self::arguments::arguments;
pub use self::errors::{Explain, explain_as, explain_owner, grant, line};
pub use self::runtime::runtime;
use crate::config;
use crate::error::{Error, Result};

/// Knows how to connect, and owns the embedded server if there is one.
#[derive(Debug)]
pub struct Database {
    server: Server,
    /// How long a server that is away for a moment is waited for.
    patience: Duration,
}

#[derive(Debug)]
enum Server {
    Remote(Box<Address>),
    #[cfg(feature = "embedded")]
    Embedded(Box<embedded::Embedded>),
}

impl Database {
    /// Checks the connection string, or boots the embedded Postgres if there is none. A server
    /// that cannot be reached is found out by [`connect`](Self::connect).
    pub async fn open(config: &config::Database) -> Result<Self> {
        match &config.url {
            Some(url) => {
                let address = Address::parse(url.reveal(), &config.url_env)?;
                Ok(Self { server: Server::Remote(Box::new(address)), patience: config.patience })
            }
            None => embedded(config).await,
        }
    }

    /// One new connection. The embedded server serves one at a time: close or drop the first
    /// before asking for the next, which waits for it otherwise.
    pub async fn connect(&self) -> Result<PgConnection> {
        retry::within(self.patience, || self.connect_once()).await
    }

    /// Connects, does some work and hangs up; all of it again where the server goes away for a
    /// moment. The work must be such that doing it twice does no harm.
    pub async fn with_connection<T>(
        &self,
        work: impl AsyncFn(&mut PgConnection) -> Result<T>,
    ) -> Result<T> {
        retry::within(self.patience, async || {
            let mut connection = self.connect_once().await?;
            let done = work(&mut connection).await;
            hang_up(connection).await;
            done
        })
        .await
    }

    async fn connect_once(&self) -> Result<PgConnection> {
        match &self.server {
            Server::Remote(address) => address.connect().await,
            #[cfg(feature = "embedded")]
            Server::Embedded(server) => server.connect().await,
        }
    }

    /// A connection fit for migrations, which a transaction pooler's is not.
    pub async fn connect_to_migrate(&self) -> Result<PgConnection> {
        match &self.server {
            Server::Remote(address) => address.refuse_transaction_pooler()?,
            #[cfg(feature = "embedded")]
            Server::Embedded(_) => {}
        }
        self.connect().await
    }

    /// Whether the data is ours alone, made from `content/` and easily made again.
    pub fn is_embedded(&self) -> bool {
        !matches!(self.server, Server::Remote(_))
    }

    /// Where the data is, for people; never with a password.
    pub fn describe(&self) -> String {
        match &self.server {
            Server::Remote(address) => address.describe(),
            #[cfg(feature = "embedded")]
            Server::Embedded(server) => server.describe(),
        }
    }

    /// Stops the embedded server; connections should be closed by now.
    pub async fn close(self) -> Result<()> {
        match self.server {
            Server::Remote(_) => {}
            #[cfg(feature = "embedded")]
            Server::Embedded(server) => server.close().await,
        }
        Ok(())
    }

    /// Deletes the embedded Postgres's folder, unless another process is using it. The next
    /// build makes it anew from `content/`.
    pub fn reset(config: &config::Database) -> Result<()> {
        if config.url.is_some() {
            return Err(Error::config(format!(
                "{} is set: only the embedded database can be reset",
                config.url_env
            ))
            .help(format!("unset {} to reset the embedded database", config.url_env)));
        }
        reset(&config.data_dir)
    }
}

/// The server and database that are configured, without user and password; none, if it is the
/// embedded one.
pub fn place(config: &config::Database) -> Result<Option<String>> {
    let url = config.url.as_ref();
    url.map(|url| Ok(Address::parse(url.reveal(), &config.url_env)?.database())).transpose()
}

/// Where the embedded database's program cannot be unpacked into the user's cache folder, starts
/// this program over so that it goes into the database's own; otherwise does nothing. To be
/// called before anything has happened.
pub fn prepare(config: &config::Database) -> Result<()> {
    #[cfg(feature = "embedded")]
    embedded::restart_with_own_cache(config)?;
    let _ = config;
    Ok(())
}

/// An identifier as a statement holds it; `schema.table` is quoted part by part.
pub fn quoted(name: &str) -> String {
    name.split('.').map(quoted_part).collect::<Vec<_>>().join(".")
}

/// A name that has no parts, such as a column's.
pub fn quoted_part(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Closes a connection politely, so that the server need not find out; errors do not matter.
pub async fn hang_up(connection: PgConnection) {
    let _ = connection.close().await;
}

#[cfg(feature = "embedded")]
async fn embedded(config: &config::Database) -> Result<Database> {
    let server = embedded::Embedded::boot(&config.data_dir).await?;
    Ok(Database { server: Server::Embedded(Box::new(server)), patience: Duration::ZERO })
}

#[cfg(feature = "embedded")]
fn reset(data_dir: &Path) -> Result<()> {
    embedded::reset(data_dir)
}

#[cfg(not(feature = "embedded"))]
async fn embedded(config: &config::Database) -> Result<Database> {
    Err(Error::config(format!(
        "{} is not set, and this frieze is built without the embedded database",
        config.url_env
    ))
    .help(format!(
        "set {} to a Postgres address, as in postgres://user:password@host:5432/database, or build frieze with its default features",
        config.url_env
    )))
}

#[cfg(not(feature = "embedded"))]
fn reset(data_dir: &Path) -> Result<()> {
    crate::fs::remove_dir_all(data_dir)
}

#[cfg(all(test, not(feature = "embedded")))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn without_an_address_there_is_no_database() {
        let config = config::Database {
            url: None,
            url_env: "SITE_DB".to_owned(),
            data_dir: "unused".into(),
            role: "anon".to_owned(),
            kits: Vec::new(),
            patience: Duration::ZERO,
            on_unreachable: config::OnUnreachable::Fail,
            offline: false,
        };
        let error = Database::open(&config).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Config);
        assert!(error.report().contains("set SITE_DB to a Postgres address"), "{error:?}");
    }
}
