//! `robots.txt`: everything may be read, and here is the list.

/// The file for a site at `base_url`, which has no slash at the end.
pub fn robots(base_url: &str) -> Vec<u8> {
    format!("User-agent: *\nAllow: /\n\nSitemap: {base_url}/sitemap.xml\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn robots_are_shown_the_sitemap() {
        let file = String::from_utf8(robots("https://a.org")).unwrap();
        assert!(file.starts_with("User-agent: *\nAllow: /\n"));
        assert!(file.ends_with("\nSitemap: https://a.org/sitemap.xml\n"));
    }
}
