//! What can go wrong with a download: said once and for all, or worth another try.

use std::error::Error as StdError;
use std::time::Duration;

use humansize::{DECIMAL, format_size};
use reqwest::StatusCode;
use url::Url;

use super::guard::Refused;
use super::redirect;
use super::shown::shown;
use crate::error::Error;

pub enum Failure {
    /// Asking again would bring the same.
    Final(Error),
    /// Trouble of the server or the network, which may be over soon.
    Passing {
        error: Error,
        /// How long the server asks to be left alone.
        after: Option<Duration>,
    },
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl Failure {
    pub fn into_error(self) -> Error {
        match self {
            Self::Final(error) | Self::Passing { error, .. } => error,
        }
    }

    /// The same failure, met on the way from another URL.
    pub fn on_the_way_from(self, url: &Url) -> Self {
        let around = |error: Error| error.context(redirect::elsewhere(url));
        match self {
            Self::Final(error) => Self::Final(around(error)),
            Self::Passing { error, after } => Self::Passing { error: around(error), after },
        }
    }
}

fn passing(error: Error) -> Failure {
    Failure::Passing { error, after: None }
}

/// A connection that was refused by us, or that broke.
pub fn broken(url: &Url, error: reqwest::Error) -> Failure {
    if let Some(refused) = refusal(&error) {
        return refused_address(url, refused);
    }
    let (image, host) = (shown(url), url.host_str().unwrap_or_default());
    let message = format!("cannot download the image {image}");
    passing(Error::content(message).because(error.without_url()).help(format!(
        "see whether the network works, the name {host} is right and its server is up"
    )))
}

fn refusal<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Refused> {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.find_map(|cause| cause.downcast_ref::<Refused>())
}

pub fn refused_address(url: &Url, refused: &Refused) -> Failure {
    let message = format!("the image {} must not be fetched: {refused}", shown(url));
    let help = "name a host on the public internet, or put the file in content/";
    Failure::Final(Error::content(message).help(help))
}

/// An answer that is none of those a download knows what to do with.
pub fn status(url: &Url, status: StatusCode, after: Option<Duration>) -> Failure {
    let image = shown(url);
    let error =
        Error::content(format!("cannot download the image {image}: the server says {status}"))
            .help(remedy(status));
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Failure::Passing { error, after };
    }
    Failure::Final(error)
}

fn remedy(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 | 403 => "let everybody read the file, or put it in content/",
        404 | 410 => "correct the URL in the row, upload the file, or put it in content/",
        429 | 500.. => "build again later, or put the file in content/",
        _ => "see whether the URL opens in a browser, or put the file in content/",
    }
}

pub fn too_slow(url: &Url, limit: Duration) -> Failure {
    let message = format!("the image {} did not arrive within {limit:?}", shown(url));
    passing(Error::content(message).help("build again later, or put the file in content/"))
}

pub fn too_large(url: &Url, limit: u64) -> Failure {
    let most = format_size(limit, DECIMAL);
    let message = format!("the image {} is larger than {most}", shown(url));
    Failure::Final(Error::content(message).help("use a smaller file"))
}

pub fn no_image(url: &Url, kind: &str, bytes: usize) -> Failure {
    let message = format!("the image {} is none: what came is {kind}, {bytes} bytes", shown(url));
    Failure::Final(Error::content(message).help(
        "name the image file itself, not a page that shows it; WebP, PNG, JPEG, GIF, SVG and AVIF can be read",
    ))
}
