//! The embedded Postgres: a whole server in this process, with its files in one folder.
//!
//! Its data can always be made again from `content/`, so trouble with the folder ends in an error
//! that says to delete it. The server runs in threads that cannot be stopped from outside: what
//! takes too long is left behind, and ends with the process.

mod cache;
mod folder;
mod trouble;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pglite_oxide::{PgliteServer, extensions};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

pub use self::cache::restart_with_own_cache;
pub use self::folder::reset;
use self::folder::{Folder, Socket};
use self::trouble::Trouble;
use crate::error::Result;

/// A first boot unpacks about 100 MB; a boot after a crash replays a log.
const BOOT_TIMEOUT: Duration = Duration::from_mins(2);
/// How long a second connection waits for the first to be closed.
const TURN_TIMEOUT: Duration = Duration::from_mins(1);
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// A running server and the claim on its folder.
pub struct Embedded {
    folder: Folder,
    running: Mutex<Option<Running>>,
    /// The connection the boot was tried with, for the first who asks.
    first: Mutex<Option<PgConnection>>,
}

struct Running {
    server: PgliteServer,
    socket: Socket,
}

impl Embedded {
    /// Boots the server whose files are in `dir`, making them if there are none.
    pub async fn boot(dir: &Path) -> Result<Self> {
        cache::check()?;
        let folder = Folder::claim(dir.to_owned()).await?;
        let embedded = Self { folder, running: Mutex::new(None), first: Mutex::new(None) };
        let connection = embedded.start().await.map_err(|trouble| embedded.explain(trouble))?;
        *held(&embedded.first) = Some(connection);
        embedded.folder.mark_used();
        Ok(embedded)
    }

    pub fn describe(&self) -> String {
        format!("embedded Postgres 17 in {}", self.dir().display())
    }

    /// A connection; the server takes the next only when this one is closed.
    pub async fn connect(&self) -> Result<PgConnection> {
        let first = held(&self.first).take();
        if let Some(mut connection) = first
            && connection.ping().await.is_ok()
        {
            return Ok(connection);
        }
        let mut dialled = self.dial(TURN_TIMEOUT).await;
        // A connection that breaks can take the server with it: start another.
        if matches!(dialled, Err(Trouble::Gone(_))) {
            self.stop();
            dialled = self.start().await;
        }
        dialled.map_err(|trouble| self.explain(trouble))
    }

    /// Stops the server, at the latest after a moment.
    pub async fn close(self) {
        let first = held(&self.first).take();
        if let Some(connection) = first {
            super::hang_up(connection).await;
        }
    }

    async fn start(&self) -> Result<PgConnection, Trouble> {
        let running = launch(self.dir().to_owned()).await?;
        *held(&self.running) = Some(running);
        match self.dial(BOOT_TIMEOUT).await {
            Err(Trouble::Busy) => Err(Trouble::Silent),
            dialled => dialled,
        }
    }

    async fn dial(&self, patience: Duration) -> Result<PgConnection, Trouble> {
        let options = held(&self.running).as_ref().map(options);
        let options = options.ok_or_else(|| Trouble::Gone("it is stopped".to_owned()))?;
        match tokio::time::timeout(patience, options.connect()).await {
            Ok(dialled) => dialled.map_err(Trouble::from),
            Err(_) => Err(Trouble::Busy),
        }
    }

    /// Ends the server's thread, which goes on while a connection is open: that one is left.
    fn stop(&self) {
        drop(held(&self.first).take());
        let Some(running) = held(&self.running).take() else { return };
        let (done, finished) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let stopped = running.server.shutdown();
            drop(running.socket);
            let _ = done.send(stopped);
        });
        match finished.recv_timeout(STOP_TIMEOUT) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("the embedded database stopped: {error:#}"),
            Err(_) => tracing::debug!("the embedded database has an open connection: leaving it"),
        }
    }

    fn dir(&self) -> &Path {
        &self.folder.dir
    }

    fn explain(&self, trouble: Trouble) -> crate::error::Error {
        trouble.explain(&self.folder)
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.stop();
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Embedded").field(&self.folder.dir).finish()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the server on a thread of its own: one that hangs must not hold up the runtime's end.
async fn launch(dir: PathBuf) -> Result<Running, Trouble> {
    let (done, launched) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let _ = done.send(listen(dir));
    });
    match tokio::time::timeout(BOOT_TIMEOUT, launched).await {
        Ok(Ok(running)) => running,
        Ok(Err(_)) => Err(Trouble::Failed("its thread gave up".to_owned())),
        Err(_) => Err(Trouble::Silent),
    }
}

fn listen(dir: PathBuf) -> Result<Running, Trouble> {
    let socket = Socket::near(&dir);
    let mut builder = PgliteServer::builder().path(dir).extension(extensions::VECTOR);
    if let Some(path) = socket.path() {
        builder = builder.unix(path);
    }
    let server = builder.start().map_err(|error| Trouble::Failed(format!("{error:#}")))?;
    Ok(Running { server, socket })
}

fn options(running: &Running) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .username("postgres")
        .database("template1")
        .application_name("frieze")
        .ssl_mode(PgSslMode::Disable)
        .disable_statement_logging();
    match (running.socket.folder(), running.server.tcp_addr()) {
        (Some(folder), _) => options.socket(folder).port(Socket::PORT),
        (None, Some(address)) => options.host(&address.ip().to_string()).port(address.port()),
        (None, None) => options,
    }
}
