//! What can go wrong with a request to the Storage API.

use reqwest::StatusCode;

use crate::assets::storage::key::KEY;
use crate::error::Error;

pub enum Trouble {
    /// The server said no: the object is what it was.
    Refused(Error),
    /// The server or the network failed, which may be over soon. What became of the object is not
    /// known.
    Passing(Error),
}

/// What a request was for: what to do about a refusal.
pub type Doing = &'static str;

pub const READING: Doing =
    "see whether the bucket is public and the image's URL opens in a browser";
pub const WRITING: Doing =
    "see whether SUPABASE_SERVICE_ROLE_KEY is the service_role or secret key of this very project";

const LATER: &str = "run the command again later";

impl Trouble {
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Passing(_))
    }

    pub fn into_error(self) -> Error {
        match self {
            Self::Refused(error) | Self::Passing(error) => error,
        }
    }
}

pub fn refused(status: StatusCode, doing: Doing) -> Trouble {
    let error = Error::output(format!("the storage says {status}"));
    if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
        return Trouble::Passing(error.help(LATER));
    }
    Trouble::Refused(error.help(match status {
        StatusCode::NOT_FOUND => "see whether the image is still there",
        StatusCode::PAYLOAD_TOO_LARGE => "see what size the bucket allows",
        _ => doing,
    }))
}

pub fn redirected() -> Trouble {
    let error = Error::output(format!(
        "the storage redirects to another place, and {KEY} is sent to no other"
    ));
    Trouble::Refused(error.help("name the project's storage by the address that answers itself"))
}

pub fn broken(error: reqwest::Error) -> Trouble {
    let what = if error.is_timeout() {
        "the storage did not answer in time"
    } else {
        "the connection to the storage failed"
    };
    let help = "see whether the network works and the storage is up, and run the command again";
    Trouble::Passing(Error::output(what).because(error.without_url()).help(help))
}
