//! Where links may lead and images may come from.

use url::{ParseError, Url};

pub const SCHEMES: [&str; 4] = ["http", "https", "mailto", "tel"];

/// Whether a link may lead there: relative, or by one of the schemes that run nothing. The same
/// rule the sanitiser applies, for text that does not pass through it.
pub fn is_safe_url(url: &str) -> bool {
    if is_plainly_relative(url) {
        return true;
    }
    match Url::parse(url) {
        Ok(absolute) => SCHEMES.contains(&absolute.scheme()),
        Err(error) => error == ParseError::RelativeUrlWithoutBase,
    }
}

/// True for what cannot have a scheme however a browser reads it, without asking a whole parser.
fn is_plainly_relative(url: &str) -> bool {
    let starts = url.bytes().next().is_none_or(|byte| b"/#?.".contains(&byte));
    starts && !url.bytes().any(|byte| byte <= b' ')
}
