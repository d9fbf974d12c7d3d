//! Being told to stop: heard whatever else is being done, and a second time taken at its word.

use tokio::sync::watch;

/// How a process ends that was told twice, as shells count it.
const TOLD_TWICE: i32 = 130;

/// Whether the process was told to stop.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on. Whoever says it again does not want to wait.
    pub fn listen() -> Self {
        let (tell, told) = watch::channel(false);
        tokio::spawn(async move {
            let mut signals = Signals::new();
            signals.next().await;
            let _ = tell.send(true);
            signals.next().await;
            std::process::exit(TOLD_TWICE);
        });
        Self(told)
    }

    /// Ends when the process is told to stop.
    pub async fn asked(&mut self) {
        if self.0.wait_for(|told| *told).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Ends when the process is told to end.
pub async fn signal() {
    Signals::new().next().await;
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        Self(kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect())
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let mut told = false;
            for signal in &mut self.0 {
                told |= matches!(signal.poll_recv(context), std::task::Poll::Ready(Some(())));
            }
            if told { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> Self {
        Self
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
