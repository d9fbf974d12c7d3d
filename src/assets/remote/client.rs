//! The HTTP clients: without proxy, cookies, referrer, credentials or redirects of their own.

use std::sync::OnceLock;

use reqwest::header::{ACCEPT, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder};
use url::{Host, Url};

use super::guard::{self, Judge, Refused};
use super::resolver::{Lookup, Resolver};
use crate::error::{Error, Result};
use crate::web;

const IMAGES: &str = "image/webp,image/png,image/jpeg,image/gif,image/svg+xml,image/avif";

/// Each made when it is first needed: only that for https needs the system's certificates.
pub struct Clients {
    lookup: Lookup,
    local: OnceLock<Client>,
    plain: OnceLock<Client>,
    secure: OnceLock<Client>,
}

impl Clients {
    pub fn new(lookup: Lookup) -> Self {
        let (local, plain, secure) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { lookup, local, plain, secure }
    }

    /// The client for the project's own storage on this machine. It reaches nothing but loopback.
    pub fn local(&self, url: &Url) -> Result<&Client> {
        self.get(&self.local, url.scheme() == "https", guard::not_loopback)
    }

    /// The client for everything else. It reaches nothing but the public internet.
    pub fn public(&self, url: &Url) -> Result<&Client> {
        let secure = url.scheme() == "https";
        let cell = if secure { &self.secure } else { &self.plain };
        self.get(cell, secure, guard::not_public)
    }

    fn get<'a>(
        &self,
        cell: &'a OnceLock<Client>,
        secure: bool,
        judge: Judge,
    ) -> Result<&'a Client> {
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let resolver = Resolver { lookup: self.lookup.clone(), judge };
        let client = builder(secure).dns_resolver(resolver).build().map_err(no_client)?;
        Ok(cell.get_or_init(|| client))
    }
}

fn builder(secure: bool) -> ClientBuilder {
    let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(IMAGES))]);
    web::builder(secure).default_headers(accept)
}

fn no_client(error: reqwest::Error) -> Error {
    Error::other("cannot prepare downloads over https").because(error.without_url()).help(
        "https needs the certificates of the system: install them (the package is often called ca-certificates), or name a file of them in SSL_CERT_FILE",
    )
}

/// No resolver is asked about a host that is written as an address: it is looked at here.
pub fn check_literal(url: &Url) -> Result<(), Refused> {
    let address = match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    guard::check(url.host_str().unwrap_or_default(), &[address], guard::not_public)
}
