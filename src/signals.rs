//! The signals that ask a process to end, heard one after the other for as long as it lives.

/// SIGINT, as a terminal sends it.
pub const INTERRUPT: u8 = 2;
/// SIGTERM, as what runs services sends it.
#[cfg(unix)]
pub const TERMINATE: u8 = 15;

/// Listens from when it is made. Where the system refuses, signals do what they always do.
#[cfg(unix)]
#[derive(Debug)]
pub struct Signals(Vec<(u8, tokio::signal::unix::Signal)>);

#[cfg(unix)]
impl Signals {
    pub fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [(INTERRUPT, SignalKind::interrupt()), (TERMINATE, SignalKind::terminate())];
        let heard = |(number, kind)| signal(kind).ok().map(|signal| (number, signal));
        Self(kinds.into_iter().filter_map(heard).collect())
    }

    /// The number of the next one.
    pub async fn next(&mut self) -> u8 {
        use std::task::Poll::{Pending, Ready};
        std::future::poll_fn(|context| {
            for (number, signal) in &mut self.0 {
                if matches!(signal.poll_recv(context), Ready(Some(()))) {
                    return Ready(*number);
                }
            }
            Pending
        })
        .await
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub fn listen() -> Self {
        Self
    }

    pub async fn next(&mut self) -> u8 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        INTERRUPT
    }
}
