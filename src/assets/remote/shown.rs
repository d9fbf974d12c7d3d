//! URLs as messages show them: without what may be a secret, and not for pages on end.

use url::Url;

const MOST: usize = 200;

/// A URL without user info, query and fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Only URLs that have no user info at all refuse to have it removed.
    let _ = (url.set_username(""), url.set_password(None));
    shortened(url.as_str())
}

/// The same for what is not a URL, as far as it looks like one.
pub fn shown_text(text: &str) -> String {
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, after)| after);
    shortened(&text.escape_debug().to_string())
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let url = Url::parse("https://me:pass@a.example/b.png?token=secret#part").unwrap();
        assert_eq!(shown(&url), "https://a.example/b.png");
        assert_eq!(shown_text("https://me:pass@/b.png?token=secret"), "/b.png");
    }

    #[test]
    fn a_picture_inside_a_url_is_not_shown_whole() {
        let url = Url::parse(&format!("data:image/png;base64,{}", "A".repeat(5_000))).unwrap();
        assert_eq!(shown(&url).chars().count(), MOST + 1);
    }
}
