//! The receiver: webhooks come in, changes gather until they are quiet, and one deployment goes out.
//! And the word that a build sends out when it is done.

mod auth;
mod clock;
mod deploy;
mod http;
mod idle;
mod journal;
mod metrics;
mod notify;
mod payload;
mod poll;
mod rule;
mod state;
#[cfg(test)]
mod tests;
mod worker;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

pub use notify::{News, notify};

use crate::config::Config;
use crate::db;
use crate::error::{Error, Result};
use crate::signals::Signals;
use auth::Key;
use deploy::Way;
use journal::Journal;
use metrics::Metrics;

/// What all parts of the receiver share.
struct Receiver {
    config: Config,
    key: Key,
    way: Way,
    journal: Journal,
    metrics: Metrics,
    unverified: http::Unverified,
    idle: idle::Idle,
    /// Asks for a look into the database.
    look: mpsc::Sender<poll::Asked>,
    /// Why such a look finds nothing, if so.
    poll_error: Mutex<Option<String>>,
    /// How often it was asked to stop.
    stop: watch::Sender<u8>,
}

/// Listens until it is asked to stop. `ready` is told where, once requests are answered.
pub fn serve(config: &Config, listen: SocketAddr, ready: impl FnOnce(SocketAddr)) -> Result<()> {
    let key = Key::new(&config.hook)?;
    let (look, looks) = mpsc::channel(1);
    let way = Way::new(config)?;
    let receiver = Arc::new(Receiver::new(config, key, way, look)?);
    db::runtime()?.block_on(async {
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            Error::other(format!("cannot listen on {listen}"))
                .because(error)
                .help("name another address with --listen, as in --listen 127.0.0.1:8788")
        })?;
        let address = listener.local_addr();
        let address = address.map_err(|error| Error::other("no address").because(error))?;
        ready(address);
        let signals = tokio::spawn(at_signals(Arc::clone(&receiver)));
        let working = tokio::spawn(worker::run(Arc::clone(&receiver)));
        let answering = async {
            tokio::select! {
                () = http::run(listener, Arc::clone(&receiver)) => {}
                () = poll::run(&receiver, looks) => {}
            }
        };
        let (worked, ()) = tokio::join!(watched(&receiver, working), answering);
        signals.abort();
        receiver.journal.close();
        worked
    })
}

/// Who accepts changes that nobody deploys is worse than nobody: if the worker breaks off, all ends.
async fn watched(receiver: &Receiver, working: JoinHandle<()>) -> Result<()> {
    let worked = working.await;
    if worked.is_err() {
        receiver.stop.send_replace(u8::MAX);
    }
    worked.map_err(|error| {
        Error::other("the deployments broke off")
            .because(error)
            .help("what is pending is kept: start it again")
    })
}

/// Each signal asks once more.
async fn at_signals(receiver: Arc<Receiver>) {
    let mut signals = Signals::listen();
    loop {
        signals.next().await;
        receiver.stop.send_modify(|asked| *asked = asked.saturating_add(1));
        tracing::info!("stopping: what runs is waited for; once more lets go of it");
    }
}

impl Receiver {
    fn new(config: &Config, key: Key, way: Way, look: mpsc::Sender<poll::Asked>) -> Result<Self> {
        Ok(Self {
            config: config.clone(),
            key,
            way,
            journal: Journal::open(&config.hook.state)?,
            metrics: Metrics::new()?,
            unverified: http::Unverified::new(),
            idle: idle::Idle::default(),
            look,
            poll_error: Mutex::new(None),
            stop: watch::Sender::new(0),
        })
    }

    /// Gives what it was before.
    fn set_poll_error(&self, error: Option<String>) -> Option<String> {
        let mut held = self.poll_error.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut held, error)
    }

    fn poll_error(&self) -> Option<String> {
        self.poll_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it was asked to stop so often.
    async fn asked(&self, times: u8) {
        let mut asked = self.stop.subscribe();
        let _ = asked.wait_for(|now| *now >= times).await;
    }
}
