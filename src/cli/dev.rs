//! `frieze dev`: the site served while it is edited.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use super::{Global, output};
use crate::config::{Config, Overrides};
use crate::db as database;
use crate::error::{Error, Result};
use crate::serve::{self, Observer, Options, Served, Throttle};

/// Serve the site while it is edited: save, and it is on the screen
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    serving: Serving,
    /// Show the newest version of each layout, published or not; ?draft=N shows version N
    #[arg(long)]
    drafts: bool,
}

/// Options of everything that serves.
#[derive(Debug, clap::Args)]
pub struct Serving {
    /// The port; the first free one from 4000 without
    #[arg(long, short, value_name = "PORT")]
    port: Option<u16>,
    /// Serve other devices too: on this address, or on all of this machine's
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "0.0.0.0")]
    host: Option<String>,
    /// Open the site in the browser
    #[arg(long)]
    open: bool,
    /// Pretend the network is slow: 3g, slow-4g, 4g, or kbit/s and milliseconds, as in 1600/150
    #[arg(long, value_name = "NETWORK")]
    throttle: Option<Throttle>,
}

impl Serving {
    pub fn options(&self, drafts: bool) -> Options {
        let Self { host, port, throttle, .. } = self;
        Options { host: host.clone(), port: *port, drafts, throttle: *throttle }
    }

    pub fn observer(&self, global: &Global) -> Arc<dyn Observer> {
        Arc::new(Teller { json: global.json, open: self.open })
    }
}

pub fn run(global: &Global, args: &Args) -> Result<()> {
    let root = global.root.clone();
    let load = move || Config::load(&root, &Overrides::default(), &|name| std::env::var(name).ok());
    database::prepare(&load()?.database)?;
    serve::dev(&load, &args.serving.options(args.drafts), &args.serving.observer(global))
}

/// Tells people on the terminal, or programs in lines of JSON.
struct Teller {
    json: bool,
    open: bool,
}

impl Teller {
    fn json(value: &serde_json::Value) {
        let _ = output::json(value);
    }

    fn say(text: &str) {
        // Whoever reads this may have gone; the server goes on.
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
}

fn millis(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        output::seconds(took.as_secs_f64())
    }
}

impl Observer for Teller {
    fn ready(&self, served: &Served) {
        let Served { local, network, database, pages, took } = served;
        if self.json {
            Self::json(&serde_json::json!({"ready": {
                "local": local, "network": network, "database": database, "pages": pages,
                "seconds": took.as_secs_f64(),
            }}));
        } else {
            let pages = output::count(*pages, "page");
            let mut lines = vec![format!("Serving {pages} after {}", millis(*took))];
            lines.push(format!("  local     {local}"));
            lines.extend(network.iter().map(|url| format!("  network   {url}")));
            lines.extend(database.iter().map(|from| format!("  database  {from}")));
            if database.is_some() {
                lines.push(format!("  status    {local}_frieze/"));
            }
            let _ = output::line(&lines.join("\n"));
            if std::io::stdout().is_terminal() {
                let _ = output::line("Press Ctrl-C to stop.");
            }
        }
        if self.open
            && let Err(error) = open::that_detached(local)
        {
            Self::say(&Error::other("cannot open the browser").because(error).report());
        }
    }

    fn changed(&self, what: &str, took: Duration) {
        if self.json {
            let milliseconds = took.as_secs_f64() * 1000.0;
            Self::json(&serde_json::json!({"changed": what, "milliseconds": milliseconds}));
        } else {
            Self::say(&format!("{what} ({})", millis(took)));
        }
    }

    fn fault(&self, error: &Error) {
        if self.json {
            Self::json(&super::error_value(error));
        } else {
            Self::say(&error.report());
        }
    }

    fn mended(&self) {
        if self.json {
            Self::json(&serde_json::json!({"mended": true}));
        } else {
            Self::say("all is well again");
        }
    }

    fn stopped(&self) {
        tracing::info!("stopped serving");
    }
}
