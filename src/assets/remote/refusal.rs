//! Why a URL is refused by its name, and what to do about it.

use url::Url;

use super::shown::{shown, shown_text};
use crate::error::Error;

pub fn not_a_url(src: &str, error: url::ParseError) -> Error {
    Error::content(format!("the image {} has no URL that can be read", shown_text(src)))
        .because(error)
        .help("write it as https://host/path, or put the file in content/")
}

pub fn with_user(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::content(format!("the image {} carries a user name for {host}", shown(url)))
        .help("no credentials are sent: use a URL without them, or put the file in content/")
}

pub fn other_scheme(url: &Url) -> Error {
    Error::content(format!("the image {} is not on the web", shown(url)))
        .help("name an https URL, or put the file in content/")
}

/// It is at the project's own storage, but not below the path of public files.
pub fn not_public(url: &Url, path: &str) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::content(format!("the image {} is not a public file of {host}", shown(url)))
        .help(format!("use its public URL ({path}…), or put the file in content/"))
}

pub fn other_port(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::content(format!("the image {} is on {host}, on a port of its own", shown(url)))
        .help("use a URL without a port, or put the file in content/")
}

pub fn not_encrypted(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::content(format!("the image {} is on {host} without encryption", shown(url)))
        .help(format!("use https, or write \"http://{host}\" in [images] hosts in frieze.toml"))
}

pub fn other_host(url: &Url) -> Error {
    let host = url.host_str().unwrap_or_default();
    Error::content(format!("the image {} is on {host}, a host that is not allowed", shown(url)))
        .help("add the host to [images] hosts in frieze.toml, or put the file in content/")
}
