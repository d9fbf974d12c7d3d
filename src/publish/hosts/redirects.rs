//! Redirects: the `_redirects` file, and how Vercel says the same.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::config::Redirect;
use crate::error::{Error, Result};

/// What Cloudflare Pages reads; Vercel takes 2,048.
const MOST: usize = 2_000;

/// The `_redirects` file of Netlify and Cloudflare Pages.
pub fn redirects_file(redirects: &[Redirect]) -> Result<Vec<u8>> {
    if redirects.len() > MOST {
        return Err(Error::config(format!("there are {} redirects, over {MOST}", redirects.len()))
            .help("hosts read no more: join some with a pattern, like \"/old/*\""));
    }
    let mut file = String::new();
    for Redirect { from, to, status } in redirects {
        let _ = writeln!(file, "{from} {to} {status}");
    }
    Ok(file.into_bytes())
}

/// The redirect as a route of Vercel's: `:name` stands for a segment, a last `*` for the rest,
/// which `to` calls `:splat`.
pub fn route(redirect: &Redirect) -> Value {
    let mut source = String::from("^");
    let mut names = Vec::new();
    for segment in redirect.from.trim_end_matches('/').split('/').skip(1) {
        source.push('/');
        if segment == "*" {
            names.push("splat");
            source.push_str("(.*)");
        } else if let Some(name) = segment.strip_prefix(':') {
            names.push(name);
            source.push_str("([^/]+)");
        } else {
            source.push_str(&escape(segment));
        }
    }
    let location = redirect.to.split_inclusive('/').map(|segment| fill(segment, &names));
    json!({
        "src": source + "/?$",
        "headers": { "Location": location.collect::<String>() },
        "status": redirect.status,
    })
}

/// A segment of the destination, a placeholder replaced by the group that holds it.
fn fill(segment: &str, names: &[&str]) -> String {
    let bare = segment.trim_end_matches('/');
    let name =
        bare.strip_prefix(':').and_then(|name| names.iter().position(|known| *known == name));
    name.map_or_else(|| segment.to_owned(), |at| segment.replacen(bare, &format!("${}", at + 1), 1))
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirect(from: &str, to: &str) -> Redirect {
        Redirect { from: from.into(), to: to.into(), status: 301 }
    }

    #[test]
    fn the_file_has_a_line_for_each_redirect_and_nothing_else() {
        let redirects = [redirect("/old", "/new/"), redirect("/a/*", "https://b.org/:splat")];
        let file = redirects_file(&redirects).unwrap();
        assert_eq!(file, b"/old /new/ 301\n/a/* https://b.org/:splat 301\n");
        assert_eq!(redirects_file(&[]).unwrap(), b"");
    }

    #[test]
    fn more_than_the_hosts_read_is_an_error() {
        redirects_file(&vec![redirect("/a", "/b"); MOST]).unwrap();
        redirects_file(&vec![redirect("/a", "/b"); MOST + 1]).unwrap_err();
    }

    #[test]
    fn vercel_gets_the_same_as_a_pattern() {
        let source = |from, to| {
            let route = route(&redirect(from, to));
            assert_eq!(route["status"], 301);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&route["src"]), text(&route["headers"]["Location"]))
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(source("/a.b/", "/c/"), pair(r"^/a\.b/?$", "/c/"));
        assert_eq!(source("/", "/home/"), pair("^/?$", "/home/"));
        assert_eq!(source("/x/*", "https://y.org/:splat"), pair("^/x/(.*)/?$", "https://y.org/$1"));
        assert_eq!(
            source("/:year/:slug", "/posts/:slug/in/:year/"),
            pair("^/([^/]+)/([^/]+)/?$", "/posts/$2/in/$1/")
        );
    }
}
