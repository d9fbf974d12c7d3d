//! The embedded Postgres: a whole server in this process, with its files in one folder.
//!
//! Its data can always be made again from `content/`, so trouble with the folder ends in an error
//! that says to delete it. The server runs in threads that cannot be stopped from outside: what
//! takes too long is left behind, and ends with the process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use pglite_oxide::{PgliteServer, extensions};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use crate::error::{Error, Result};
use crate::fs;

/// A first boot unpacks about 100 MB; a boot after a crash replays the log.
const BOOT_TIMEOUT: Duration = Duration::from_secs(120);
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

pub struct Embedded {
    dir: PathBuf,
    server: Mutex<Option<PgliteServer>>,
    /// The connection the boot was tried with, for the first who asks.
    first: Mutex<Option<PgConnection>>,
    _lock: File,
}

impl Embedded {
    /// Boots the server whose files are in `dir`, making them if there are none.
    pub async fn boot(dir: &Path) -> Result<Self> {
        let lock = lock(dir)?;
        let server = start(dir).await?;
        let embedded = Self {
            dir: dir.to_owned(),
            server: Mutex::new(Some(server)),
            first: Mutex::new(None),
            _lock: lock,
        };
        let connection = embedded.dial().await?;
        *guard(&embedded.first) = Some(connection);
        Ok(embedded)
    }

    pub fn describe(&self) -> String {
        format!("embedded Postgres 17 in {}", self.dir.display())
    }

    /// A connection; the server takes the next only when this one is closed.
    pub async fn connect(&self) -> Result<PgConnection> {
        let first = guard(&self.first).take();
        if let Some(mut connection) = first
            && connection.ping().await.is_ok()
        {
            return Ok(connection);
        }
        match self.dial().await {
            Ok(connection) => Ok(connection),
            // A connection that broke takes the server's thread with it: start another.
            Err(_) => {
                self.stop();
                let server = start(&self.dir).await?;
                *guard(&self.server) = Some(server);
                self.dial().await
            }
        }
    }

    async fn dial(&self) -> Result<PgConnection> {
        let options = {
            let server = guard(&self.server);
            let server = server.as_ref().ok_or_else(|| stopped(&self.dir))?;
            options(server).ok_or_else(|| stopped(&self.dir))?
        };
        match tokio::time::timeout(BOOT_TIMEOUT, options.connect()).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(sqlx::Error::Database(answer))) => Err(damaged(&self.dir, answer.message())),
            Ok(Err(error)) => Err(damaged(&self.dir, &error.to_string())),
            Err(_) => Err(damaged(&self.dir, "the server does not come up")),
        }
    }

    /// Stops the server, at the latest after a moment.
    pub async fn close(self) -> Result<()> {
        let first = guard(&self.first).take();
        if let Some(connection) = first {
            super::hang_up(connection).await;
        }
        self.stop();
        Ok(())
    }

    fn stop(&self) {
        drop(guard(&self.first).take());
        let Some(server) = guard(&self.server).take() else { return };
        let (done, finished) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let result = server.shutdown();
            let _ = done.send(result);
        });
        match finished.recv_timeout(STOP_TIMEOUT) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("the embedded database stopped: {error:#}"),
            Err(_) => tracing::debug!("the embedded database still has a connection: leaving it"),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Embedded").field(&self.dir).finish()
    }
}

fn guard<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Claims the folder for this process.
fn lock(dir: &Path) -> Result<File> {
    fs::create_dir_all(dir)?;
    let path = dir.join("frieze.lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| {
        Error::output(format!("cannot write {}", path.display())).because(error)
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::database(format!(
            "another frieze uses the embedded database in {}",
            dir.display()
        ))
        .help("wait for it or stop it; two at once need a server: set DATABASE_URL")),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(Error::output(format!("cannot lock {}", path.display())).because(error))
        }
    }
}

async fn start(dir: &Path) -> Result<PgliteServer> {
    let root = dir.to_owned();
    let boot = tokio::task::spawn_blocking(move || {
        PgliteServer::builder().path(root).extension(extensions::VECTOR).start()
    });
    match tokio::time::timeout(BOOT_TIMEOUT, boot).await {
        Ok(Ok(Ok(server))) => Ok(server),
        Ok(Ok(Err(error))) => Err(damaged(dir, &format!("{error:#}"))),
        Ok(Err(_)) => Err(damaged(dir, "the server gave up")),
        Err(_) => Err(damaged(dir, "the server does not come up")),
    }
}

fn options(server: &PgliteServer) -> Option<PgConnectOptions> {
    let address = server.tcp_addr()?;
    let options = PgConnectOptions::new_without_pgpass()
        .host(&address.ip().to_string())
        .port(address.port())
        .username("postgres")
        .database("template1")
        .application_name("frieze")
        .ssl_mode(PgSslMode::Disable);
    Some(options.disable_statement_logging())
}

fn stopped(dir: &Path) -> Error {
    Error::database(format!("the embedded database in {} is stopped", dir.display()))
}

fn damaged(dir: &Path, what: &str) -> Error {
    Error::database(format!("the embedded database in {} does not start", dir.display()))
        .because(Error::database(what.to_owned()))
        .help(format!(
            "run `frieze db reset`, or delete {}: the next build makes it anew from content/",
            dir.display()
        ))
}

/// Deletes the folder, unless another process is using it.
pub fn reset(dir: &Path) -> Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    let _lock = lock(dir)?;
    fs::remove_dir_all(dir)
}
