//! `frieze hook serve`: the receiver.

use std::net::SocketAddr;

use super::{Global, output};
use crate::config::Config;
use crate::error::Result;
use crate::hook;

/// Receive database webhooks, and deploy once things are quiet
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen; put a server that speaks https in front of it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    listen: SocketAddr,
}

pub fn run(global: &Global, args: &Args, config: &Config) -> Result<()> {
    hook::serve(config, args.listen, |address| {
        let value = serde_json::json!({"listening": format!("http://{address}/hook")});
        // Who started it and went away does not want to know.
        let _ = if global.json {
            output::json(&value)
        } else {
            output::line(&format!("Listening on http://{address}/hook"))
        };
    })
}
