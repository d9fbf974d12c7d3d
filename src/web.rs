//! How other servers are asked, whoever asks: no redirects, no retries of the client's own, no
//! proxy of the environment, and certificates only where the way is https.

use std::sync::Once;
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder};

/// What servers are told of who asks.
pub const AGENT: &str = concat!("frieze/", env!("CARGO_PKG_VERSION"));
/// How long a connection may take.
pub const CONNECT: Duration = Duration::from_secs(10);

/// To be called before any client is made.
pub fn prepare() {
    static ONCE: Once = Once::new();
    // Another part of the program may have installed one: all agree on this.
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A client that needs the system's certificates only where it is secure.
pub fn builder(is_secure: bool) -> ClientBuilder {
    prepare();
    let builder = Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT);
    if is_secure { builder.https_only(true) } else { builder.tls_certs_only([]) }
}
