//! Ids for headings: from their words, each once in a text.

use std::collections::HashMap;

/// Ids that page templates use for parts of the page.
const TAKEN: [&str; 6] = ["content", "footer", "header", "main", "nav", "top"];

pub struct Ids {
    scope: String,
    /// Each id given so far, with the number its last namesake got.
    given: HashMap<String, usize>,
}

impl Ids {
    pub fn new(scope: &str) -> Self {
        Self { scope: slugify(scope), given: HashMap::new() }
    }

    /// What every id begins with, before a hyphen; may be empty.
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// An id for a heading with these words: lower case, joined by hyphens, numbered if taken.
    pub fn give(&mut self, words: &str) -> String {
        let base = self.base(words);
        let taken = usize::from(TAKEN.contains(&base.as_str()));
        let mut number = self.given.get(&base).copied().unwrap_or(taken);
        let id = loop {
            number += 1;
            let id = if number == 1 { base.clone() } else { format!("{base}-{number}") };
            if !self.given.contains_key(&id) {
                break id;
            }
        };
        self.given.insert(base, number);
        self.given.entry(id.clone()).or_insert(1);
        id
    }

    fn base(&self, words: &str) -> String {
        let mut slug = slugify(words);
        if slug.is_empty() {
            slug.push_str("section");
        }
        if self.scope.is_empty() { slug } else { format!("{}-{slug}", self.scope) }
    }
}

/// True for ids that HTML from elsewhere may bring along.
pub fn is_harmless(id: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:".contains(&byte);
    !id.is_empty() && id.bytes().all(known) && !TAKEN.contains(&id)
}

/// The `slug` crate's rule, without its tables where they are not needed.
fn slugify(words: &str) -> String {
    if !words.is_ascii() {
        return slug::slugify(words.replace(['’', '‘'], ""));
    }
    let mut slug = String::with_capacity(words.len());
    for byte in words.bytes().filter(|byte| *byte != b'\'') {
        if byte.is_ascii_alphanumeric() {
            slug.push(char::from(byte.to_ascii_lowercase()));
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_slugs_and_never_repeat() {
        let mut ids = Ids::new("");
        let given: Vec<_> = [
            "It’s A  Test!",
            "Its a test",
            "Its a test 2",
            "it's a test",
            "日本",
            "!",
            "Main",
            "main 2",
        ]
        .map(|words| ids.give(words))
        .into();
        assert_eq!(
            given,
            [
                "its-a-test",
                "its-a-test-2",
                "its-a-test-2-2",
                "its-a-test-3",
                "ri-ben",
                "section",
                "main-2",
                "main-2-2"
            ]
        );
        assert_eq!(Ids::new("about").give("Main"), "about-main");
    }

    #[test]
    fn the_short_cut_and_the_crate_agree() {
        for words in ["Hello, World", "  a--b_c ", "C++ & Rust (2024)", "", "-"] {
            assert_eq!(slugify(words), slug::slugify(words), "{words}");
        }
    }
}
