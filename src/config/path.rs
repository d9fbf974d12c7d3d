//! Page paths as the configuration writes them: literal text with `{column}` placeholders.

use std::fmt::{self, Write as _};

use crate::error::{Error, Result};

/// `/projects/{slug}/`, parsed once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Column(String),
}

impl PathTemplate {
    /// Parses a path that starts with `/`; what is wrong with it is named after `key`.
    pub fn parse(source: &str, key: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::config(format!("frieze.toml: {key}: the path \"{source}\" {what}"))
                .help("write it like \"/projects/{slug}/\"")
        };
        if !source.starts_with('/') {
            return Err(wrong("does not start with \"/\""));
        }
        if source.contains("//") || source.contains('\\') || source.split('/').any(|s| s == "..") {
            return Err(wrong("has an empty or unsafe segment"));
        }
        // A file without an ending has no type: hosts would offer it as a download.
        if !source.rsplit('/').next().is_some_and(|last| last.is_empty() || last.contains('.')) {
            return Err(wrong("ends neither with \"/\" nor with a file's ending"));
        }
        let mut parts = Vec::new();
        let mut rest = source;
        while let Some(open) = rest.find('{') {
            let Some(close) = rest[open..].find('}').map(|at| at + open) else {
                return Err(wrong("has a \"{\" without its \"}\""));
            };
            parts.push(Part::Literal(rest[..open].to_owned()));
            parts.push(Part::Column(rest[open + 1..close].trim().to_owned()));
            rest = &rest[close + 1..];
        }
        parts.push(Part::Literal(rest.to_owned()));
        parts.retain(|part| *part != Part::Literal(String::new()));
        Ok(Self { source: source.to_owned(), parts })
    }

    /// The columns the path needs, in order.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Column(column) => Some(column.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// Whether the path names the same page whatever the row.
    pub fn is_fixed(&self) -> bool {
        self.columns().next().is_none()
    }

    /// Fills the placeholders; `value` gives the segment for a column or the error to report.
    pub fn fill(&self, mut value: impl FnMut(&str) -> Result<String>) -> Result<String> {
        let mut path = String::with_capacity(self.source.len() + 32);
        for part in &self.parts {
            match part {
                Part::Literal(text) => path.push_str(text),
                Part::Column(column) => path.push_str(&value(column)?),
            }
        }
        Ok(path)
    }
}

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

/// `base` for page 1, `base` + `page/N/` after it.
pub fn page_path(base: &str, number: usize) -> String {
    let mut path = base.to_owned();
    if number > 1 {
        if !path.ends_with('/') {
            path.push('/');
        }
        let _ = write!(path, "page/{number}/");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_in_order() {
        let path = PathTemplate::parse("/{year}/{slug}/", "page").unwrap();
        assert_eq!(path.columns().collect::<Vec<_>>(), ["year", "slug"]);
        assert_eq!(path.fill(|column| Ok(column.to_uppercase())).unwrap(), "/YEAR/SLUG/");
    }

    #[test]
    fn a_path_must_be_rooted_and_whole() {
        for bad in ["projects/", "/a//b/", "/{slug", "/a/../b/", "/a/..", "/a\\b/", "/p/{slug}"] {
            let error = PathTemplate::parse(bad, "collections.x.page").unwrap_err();
            assert!(error.to_string().contains("collections.x.page"), "{error}");
        }
    }

    #[test]
    fn the_first_page_has_no_number() {
        assert_eq!(page_path("/archive/", 1), "/archive/");
        assert_eq!(page_path("/archive/", 2), "/archive/page/2/");
    }
}
