//! Redirects, followed by hand: every place they lead to must be allowed as if a row had named it.

use url::Url;

use super::rules::Rules;
use super::shown::shown;
use crate::error::{Error, Result};

/// As many as are followed.
pub const MOST: usize = 5;

/// Where a redirect leads.
pub fn target(rules: &Rules, from: &Url, location: Option<&str>) -> Result<Url> {
    let nowhere = || {
        Error::content(format!("the image {} is redirected to nowhere", shown(from)))
            .help("see whether the URL opens in a browser")
    };
    let to = location.and_then(|location| from.join(location).ok()).ok_or_else(nowhere)?;
    if from.scheme() == "https" && to.scheme() == "http" {
        let (from, to) = (shown(from), shown(&to));
        let message = format!("the image {from} is redirected to {to}, without encryption");
        return Err(Error::content(message).help("put the file in content/"));
    }
    rules.check(to.as_str()).map_err(|error| error.context(elsewhere(from)))
}

/// What is said around an error that was met where a redirect led.
pub fn elsewhere(from: &Url) -> String {
    format!("cannot download the image {}: its server redirects to another place", shown(from))
}

pub fn too_many(url: &Url) -> Error {
    Error::content(format!("the image {} is redirected more than {MOST} times", shown(url)))
        .help("use the URL that the redirects end at, or put the file in content/")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn redirect(from: &str, location: Option<&str>) -> Result<Url> {
        let hosts = vec!["http://a.example".to_owned(), "b.example".to_owned()];
        let rules = Rules { storage: None, hosts, max_bytes: 1, timeout: Duration::ZERO };
        target(&rules, &Url::parse(from).unwrap(), location)
    }

    #[test]
    fn a_redirect_is_relative_to_where_it_came_from() {
        let to = |location| redirect("https://a.example/x/y.png", Some(location)).unwrap();
        assert_eq!(to("z.png").as_str(), "https://a.example/x/z.png");
        assert_eq!(to("//b.example/z.png").as_str(), "https://b.example/z.png");
    }

    #[test]
    fn encryption_is_not_given_up_on_the_way() {
        assert!(redirect("http://a.example/x", Some("http://a.example/y")).is_ok());
        assert!(redirect("http://a.example/x", Some("https://a.example/y")).is_ok());
        let error = redirect("https://a.example/x", Some("http://a.example/y")).unwrap_err();
        assert!(error.to_string().ends_with("http://a.example/y, without encryption"), "{error}");
    }

    #[test]
    fn a_redirect_leads_to_allowed_places_only() {
        let error = redirect("https://a.example/x", Some("https://c.example/y")).unwrap_err();
        assert!(error.chain()[1].contains("c.example, a host that is not allowed"), "{error:?}");
        assert!(redirect("https://a.example/x", Some("file:///etc/passwd")).is_err());
        assert!(redirect("https://a.example/x", Some("https://u:p@a.example/")).is_err());
    }

    #[test]
    fn a_redirect_must_lead_somewhere() {
        for location in [None, Some("https://")] {
            let error = redirect("https://a.example/x", location).unwrap_err();
            assert!(error.to_string().ends_with("redirected to nowhere"), "{error}");
        }
    }
}
