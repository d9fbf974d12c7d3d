//! How other servers are asked, whoever asks: no redirects unless they are wanted, no retries of
//! the client's own, no proxy of the environment, and certificates only where the way is https.
//! `ask` bounds time and size, and repeats no address, since that may be a secret.

use std::sync::Once;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Method};

use crate::error::{Error, Result};

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
    if is_secure { plain().https_only(true) } else { plain().tls_certs_only([]) }
}

fn plain() -> ClientBuilder {
    prepare();
    Client::builder()
        .user_agent(AGENT)
        .redirect(Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .no_proxy()
        .connect_timeout(CONNECT)
}

/// What to ask.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    pub method: Method,
    pub url: &'a str,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub timeout: Duration,
    /// How many redirects are followed.
    pub redirects: usize,
    /// More of an answer than this is not read; nothing at all if it is zero.
    pub most: usize,
}

impl<'a> Ask<'a> {
    pub fn get(url: &'a str, timeout: Duration, most: usize) -> Self {
        let (headers, body) = (HeaderMap::new(), Vec::new());
        Self { method: Method::GET, url, headers, body, timeout, redirects: 5, most }
    }

    /// What became of it is known once there is a status: whatever body follows is not read.
    pub fn post(url: &'a str, headers: HeaderMap, body: Vec<u8>, timeout: Duration) -> Self {
        Self { method: Method::POST, url, headers, body, timeout, redirects: 0, most: 0 }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The body goes on.
    pub is_cut: bool,
}

/// Why there is no answer.
#[derive(Debug)]
pub struct Silence {
    pub error: Error,
    /// Nothing was sent, so that nothing can have come of it.
    pub is_unsent: bool,
}

/// Asks once. The address is not part of what an error says.
pub async fn ask(ask: Ask<'_>) -> Result<Answer, Silence> {
    let secure = ask.url.starts_with("https:");
    let client = client(secure, ask.redirects).map_err(|error| Silence {
        error: Error::other("cannot prepare requests over https")
            .because(error.without_url())
            .help("https needs the certificates of the system: install them (the package is often called ca-certificates), or name a file of them in SSL_CERT_FILE"),
        is_unsent: true,
    })?;
    let request = client.request(ask.method, ask.url).headers(ask.headers).body(ask.body);
    let silent = |error: reqwest::Error| {
        let is_unsent = error.is_connect() || error.is_builder();
        let why = if error.is_timeout() { "no answer in time" } else { "no answer" };
        Silence { error: Error::other(why).because(error.without_url()), is_unsent }
    };
    let answer = request.timeout(ask.timeout).send().await.map_err(silent)?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let mut body = Vec::new();
    if ask.most == 0 {
        return Ok(Answer { status, headers, body, is_cut: true });
    }
    let mut pieces = answer.bytes_stream();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.map_err(silent)?);
        if body.len() > ask.most {
            body.truncate(ask.most);
            return Ok(Answer { status, headers, body, is_cut: true });
        }
    }
    Ok(Answer { status, headers, body, is_cut: false })
}

fn client(is_secure: bool, redirects: usize) -> reqwest::Result<Client> {
    match (is_secure, redirects) {
        (_, 0) => builder(is_secure),
        // What begins in secret stays so.
        (true, _) => builder(true).redirect(Policy::limited(redirects)),
        // A redirect may lead to https, which needs the certificates of the system.
        (false, _) => plain().redirect(Policy::limited(redirects)),
    }
    .pool_max_idle_per_host(0)
    .build()
}
