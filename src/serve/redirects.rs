//! Redirects as hosts read them: `:name` stands for a segment, a last `*` for the rest, which the
//! destination calls `:splat`.

use crate::config::Redirect;

/// Where a path leads, and with which status.
pub fn find(redirects: &[Redirect], path: &str) -> Option<(String, u16)> {
    redirects.iter().find_map(|redirect| Some((lead(redirect, path)?, redirect.status)))
}

fn lead(redirect: &Redirect, path: &str) -> Option<String> {
    let mut given = path.trim_matches('/').split('/').filter(|segment| !segment.is_empty());
    let mut named: Vec<(&str, String)> = Vec::new();
    for segment in redirect.from.trim_matches('/').split('/').filter(|segment| !segment.is_empty())
    {
        if segment == "*" {
            named.push(("splat", given.by_ref().collect::<Vec<_>>().join("/")));
            break;
        }
        let here = given.next()?;
        match segment.strip_prefix(':') {
            Some(name) => named.push((name, here.to_owned())),
            None if segment == here => {}
            None => return None,
        }
    }
    if given.next().is_some() {
        return None;
    }
    let to = redirect.to.split_inclusive('/').map(|segment| {
        let bare = segment.trim_end_matches('/');
        let value =
            bare.strip_prefix(':').and_then(|name| named.iter().find(|(it, _)| *it == name));
        value.map_or_else(|| segment.to_owned(), |(_, value)| segment.replacen(bare, value, 1))
    });
    Some(to.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(from: &str, to: &str, path: &str) -> Option<String> {
        let redirect = Redirect { from: from.to_owned(), to: to.to_owned(), status: 301 };
        find(&[redirect], path).map(|(to, _)| to)
    }

    #[test]
    fn patterns_lead_where_hosts_lead() {
        assert_eq!(lead("/old", "/new/", "/old/").as_deref(), Some("/new/"));
        assert_eq!(lead("/old/", "/new/", "/old").as_deref(), Some("/new/"));
        assert_eq!(lead("/old", "/new/", "/older"), None);
        assert_eq!(
            lead("/:year/:slug", "/posts/:slug/in/:year/", "/2024/a/").as_deref(),
            Some("/posts/a/in/2024/")
        );
        assert_eq!(
            lead("/x/*", "https://y.org/:splat", "/x/a/b").as_deref(),
            Some("https://y.org/a/b")
        );
        assert_eq!(lead("/", "/home/", "/").as_deref(), Some("/home/"));
        assert_eq!(lead("/a", "/b/", "/a/c"), None);
    }
}
