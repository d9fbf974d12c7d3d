//! Being told to stop: heard whatever else is being done, and a second time taken at its word.

use tokio::sync::watch;

use crate::signals::Signals;

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
            let mut signals = Signals::listen();
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
