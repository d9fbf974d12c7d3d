//! The database: connecting to it, or booting the embedded one; migrating, and saying what went
//! wrong in words that help.

mod address;
#[cfg(feature = "embedded")]
mod embedded;
mod errors;
pub mod export;
pub mod migrate;
mod runtime;
pub mod seed;

use std::path::Path;

use sqlx::{Connection as _, PgConnection};

use self::address::Address;
pub use self::errors::{explain, explain_as, explain_owner};
pub use self::runtime::runtime;
use crate::config;
use crate::error::{Error, Result};

/// Knows how to connect, and owns the embedded server if there is one.
#[derive(Debug)]
pub struct Database(Server);

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
            Some(url) => Ok(Self(Server::Remote(Box::new(Address::parse(url, &config.url_env)?)))),
            None => embedded(config).await,
        }
    }

    /// One new connection. The embedded server serves one at a time: close or drop the first
    /// before asking for the next, which waits for it otherwise.
    pub async fn connect(&self) -> Result<PgConnection> {
        match &self.0 {
            Server::Remote(address) => address.connect().await,
            #[cfg(feature = "embedded")]
            Server::Embedded(server) => server.connect().await,
        }
    }

    /// A connection fit for migrations, which a transaction pooler's is not.
    pub async fn connect_to_migrate(&self) -> Result<PgConnection> {
        match &self.0 {
            Server::Remote(address) => address.refuse_transaction_pooler()?,
            #[cfg(feature = "embedded")]
            Server::Embedded(_) => {}
        }
        self.connect().await
    }

    /// Whether the data is ours alone, made from `content/` and easily made again.
    pub fn is_embedded(&self) -> bool {
        !matches!(self.0, Server::Remote(_))
    }

    /// Where the data is, for people; never with a password.
    pub fn describe(&self) -> String {
        match &self.0 {
            Server::Remote(address) => address.describe(),
            #[cfg(feature = "embedded")]
            Server::Embedded(server) => server.describe(),
        }
    }

    /// Stops the embedded server; connections should be closed by now.
    pub async fn close(self) -> Result<()> {
        match self.0 {
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

/// Where the embedded database's program cannot be unpacked into the user's cache folder, starts
/// this program over so that it goes into the database's own; otherwise does nothing. To be
/// called before anything has happened.
pub fn prepare(config: &config::Database) -> Result<()> {
    #[cfg(feature = "embedded")]
    embedded::restart_with_own_cache(config)?;
    let _ = config;
    Ok(())
}

/// Closes a connection politely, so that the server need not find out; errors do not matter.
pub async fn hang_up(connection: PgConnection) {
    let _ = connection.close().await;
}

#[cfg(feature = "embedded")]
async fn embedded(config: &config::Database) -> Result<Database> {
    let server = embedded::Embedded::boot(&config.data_dir).await?;
    Ok(Database(Server::Embedded(Box::new(server))))
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
        };
        let error = Database::open(&config).await.unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Config);
        assert!(error.report().contains("set SITE_DB to a Postgres address"), "{error:?}");
    }
}
