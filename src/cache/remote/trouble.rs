//! What went wrong with the remote store, in words of our own: an answer may repeat what it was
//! asked, credentials included.

use std::error::Error as StdError;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

pub struct Trouble {
    pub what: String,
    pub help: &'static str,
}

const KEYS: &str = "check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and \
                    AWS_REGION, and that the key may list, read and write in the bucket";
const BUCKET: &str = "make the bucket, or correct the address of the remote cache";
const ENDPOINT: &str = "check AWS_ENDPOINT_URL and the network";
const SERVER: &str = "look at what the storage itself reports, then build again";

impl Trouble {
    pub fn new(doing: &str, error: &Error) -> Self {
        let (why, help) = match error {
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
                ("access was refused".to_owned(), KEYS)
            }
            Error::NotFound { .. } => ("there is no such bucket".to_owned(), BUCKET),
            error => transport(error).or_else(|| answer(error)).unwrap_or_else(unknown),
        };
        Self { what: format!("{doing}: {why}"), help }
    }

    pub fn too_slow(seconds: u64, left: usize) -> Self {
        let what = format!("{left} results were not sent within {seconds} seconds");
        Self { what, help: "later builds make them again, or set up a store that is nearer" }
    }
}

fn transport(error: &Error) -> Option<(String, &'static str)> {
    let why = match causes(error).find_map(|cause| cause.downcast_ref::<HttpError>())?.kind() {
        HttpErrorKind::Connect => "there is no connection to the server",
        HttpErrorKind::Timeout => "the server did not answer in time",
        _ => "the connection to the server broke",
    };
    Some((why.to_owned(), ENDPOINT))
}

/// The status of an answer, which only its text has.
fn answer(error: &Error) -> Option<(String, &'static str)> {
    const BEFORE: &str = "status code: ";
    let text = causes(error).last()?.to_string();
    let status: u16 = text.split_once(BEFORE)?.1.get(..3)?.parse().ok()?;
    let help = if status < 500 { KEYS } else { SERVER };
    Some((format!("the server answered with status {status}"), help))
}

fn unknown() -> (String, &'static str) {
    ("the server's answer was not understood".to_owned(), ENDPOINT)
}

fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |&error| error.source())
}
