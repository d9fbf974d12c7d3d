//! Dev mode: the site served over HTTP while it is edited, each page rendered when it is asked for.
//! And `preview`, which serves a finished site as its host would.

mod answer;
mod contents;
mod desk;
mod dev;
mod events;
mod faults;
mod guard;
mod http;
mod near;
mod overlay;
mod preview;
mod range;
mod redirects;
mod source;
mod squeeze;
mod status;
mod stop;
mod table;
mod throttle;
mod types;
mod warm;
mod watch;
mod weight;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

pub use dev::dev;
pub use http::Bound;
pub use preview::preview;
pub use throttle::Throttle;

use crate::error::Error;

/// Where and how to serve.
#[derive(Debug, Clone)]
pub struct Options {
    /// An address, or a name that leads to one; only this machine without.
    pub host: Option<String>,
    /// The first free one from [`PORT`] without.
    pub port: Option<u16>,
    /// Pages show their newest layout, published or not.
    pub drafts: bool,
    pub throttle: Option<Throttle>,
}

/// Where the search for a free port begins.
pub const PORT: u16 = 4000;

/// Is told what happens, to tell it to people. Called from many threads.
pub trait Observer: Send + Sync {
    /// The server listens.
    fn ready(&self, _served: &Served) {}
    /// Something changed, and is served.
    fn changed(&self, _what: &str, _took: Duration) {}
    /// Something is wrong that was not before.
    fn fault(&self, _error: &Error) {}
    /// Nothing is wrong any more.
    fn mended(&self) {}
    fn stopped(&self) {}
}

/// Where a site is served.
#[derive(Debug, Clone)]
pub struct Served {
    pub local: String,
    /// For other devices.
    pub network: Option<String>,
    /// Where the rows come from; none for a finished site.
    pub database: Option<String>,
    pub pages: usize,
    pub took: Duration,
}

/// A URL as people type it.
pub(crate) fn url(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() || ip == IpAddr::from([127, 0, 0, 1]) => {
            format!("http://localhost:{}/", address.port())
        }
        IpAddr::V6(ip) => format!("http://[{ip}]:{}/", address.port()),
        IpAddr::V4(ip) => format!("http://{ip}:{}/", address.port()),
    }
}
