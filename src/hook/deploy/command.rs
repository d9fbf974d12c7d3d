//! A command that deploys, and how it is ended with all it started.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use super::Outcome;

pub async fn run(words: &[String], root: &Path, limit: Duration, grace: Duration) -> Outcome {
    let failed = |words: String| Outcome { ok: false, counts: false, words };
    let Some((program, arguments)) = words.split_first() else {
        return failed("hook.command is empty".to_owned());
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root).env("FRIEZE_DEPLOY", "1");
    // What it says goes where the log goes: standard output is for machines.
    command.stdin(Stdio::null()).stdout(Stdio::from(std::io::stderr()));
    #[cfg(unix)]
    command.process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return failed(format!("{program} cannot be run: {error}")),
    };
    let mut group = Group::of(&child);
    match tokio::time::timeout(limit, child.wait()).await {
        Ok(Ok(status)) => {
            group.release();
            let (ok, words) = (status.success(), format!("{program}: {status}"));
            Outcome { ok, counts: ok, words }
        }
        Ok(Err(error)) => failed(format!("{program}: {error}")),
        Err(_) => {
            group.end(&mut child, grace).await;
            failed(format!("{program} took longer than {} minutes", limit.as_secs() / 60))
        }
    }
}

/// The command and all it started: told to end when this goes, unless the command ended by itself.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    fn release(&mut self) {
        self.0 = None;
    }
}

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
    use tokio::process::Child;
    use tokio::time::{Instant, sleep};

    const LOOK: Duration = Duration::from_millis(50);

    impl super::Group {
        fn id(&self) -> Option<Pid> {
            self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
        }

        /// Nothing of it is left when this returns: what comes next must not run beside it.
        pub async fn end(&mut self, child: &mut Child, grace: Duration) {
            let Some(id) = self.id() else { return };
            let _ = kill_process_group(id, Signal::TERM);
            let until = Instant::now() + grace;
            while Instant::now() < until {
                // What has ended has to be asked for, to be gone.
                let _ = child.try_wait();
                if test_kill_process_group(id).is_err() {
                    break;
                }
                sleep(LOOK).await;
            }
            let _ = kill_process_group(id, Signal::KILL);
            let _ = child.wait().await;
            self.release();
        }
    }

    impl Drop for super::Group {
        fn drop(&mut self) {
            if let Some(id) = self.id() {
                let _ = kill_process_group(id, Signal::TERM);
            }
        }
    }
}

#[cfg(not(unix))]
impl Group {
    async fn end(&mut self, child: &mut Child, _grace: Duration) {
        let _ = child.kill().await;
        self.release();
    }
}
