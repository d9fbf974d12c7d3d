//! Asking a worker to stop: at first it ends what runs, when asked again it lets go of it.

use std::sync::Arc;

use tokio::sync::watch;

use crate::signals::Signals;

#[derive(Debug, Clone)]
pub struct Stop(Arc<watch::Sender<u8>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Stop {
    pub fn ask(&self) {
        self.0.send_modify(|asked| *asked = asked.saturating_add(1));
    }

    /// How often it was asked.
    pub fn asked(&self) -> u8 {
        *self.0.borrow()
    }

    /// Waits until it is asked once more than so often.
    pub async fn after(&self, asked: u8) {
        let mut told = self.0.subscribe();
        let _ = told.wait_for(|now| *now > asked).await;
    }

    /// Asks whenever the process gets SIGINT or SIGTERM, from now on.
    pub fn at_signals(&self) {
        let stop = self.clone();
        tokio::spawn(async move {
            let mut signals = Signals::listen();
            loop {
                signals.next().await;
                stop.ask();
            }
        });
    }
}
