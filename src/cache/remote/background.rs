//! The threads that talk to the remote store, while the build goes on in its own.

use tokio::runtime::{Builder, Runtime};

use crate::error::{Error, Result};

/// Gone as soon as it is dropped, wherever that is, with all that is still under way.
pub struct Background(Option<Runtime>);

impl Background {
    pub fn start() -> Result<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.map(|runtime| Self(Some(runtime))).map_err(|error| {
            Error::other("cannot start the threads for the remote cache").because(error)
        })
    }

    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            runtime.spawn(task);
        }
    }

    /// Waits for a task; `None` if it panicked. Unlike the runtime's own way to wait, this may be
    /// called from anywhere, tasks of other runtimes included.
    pub fn wait<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let (done, result) = std::sync::mpsc::channel();
        self.spawn(async move {
            let _ = done.send(task.await);
        });
        result.recv().ok()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
