//! Slugs: what a value from the database must be before it becomes part of a path.

use unicode_normalization::UnicodeNormalization;

use crate::error::{Error, Result};

/// Characters that mean something to a URL or to a file system.
const FORBIDDEN: &[char] =
    &['/', '\\', '?', '#', '%', ':', '*', '"', '<', '>', '|', '&', ';', '{', '}', '`', '^'];

/// Names that Windows keeps for devices, and the folder of fingerprinted files.
const RESERVED: &[&str] = &[
    "_assets",
    "con",
    "prn",
    "aux",
    "nul",
    "com1",
    "com2",
    "com3",
    "com4",
    "com5",
    "com6",
    "com7",
    "com8",
    "com9",
    "lpt1",
    "lpt2",
    "lpt3",
    "lpt4",
    "lpt5",
    "lpt6",
    "lpt7",
    "lpt8",
    "lpt9",
    "index.html",
];

/// Longer names are refused by common file systems.
const MAX_BYTES: usize = 200;

/// A value as one path segment, in Unicode normalisation form C; the error says what is wrong.
pub fn segment(value: &str) -> Result<String> {
    let wrong = |what: &str| {
        Err(Error::content(format!("the slug \"{}\" {what}", value.escape_debug())).help(
            "a slug is one path segment: letters, digits, \"-\", \"_\" and \".\" inside, as in \"my-first-post\"",
        ))
    };
    if value.is_empty() {
        return wrong("is empty");
    }
    if value.starts_with('.') {
        return wrong("starts with a dot");
    }
    if let Some(bad) = value.chars().find(|c| FORBIDDEN.contains(c) || c.is_control()) {
        return wrong(&format!("holds {bad:?}"));
    }
    if value.chars().any(|c| c.is_whitespace() || is_invisible(c)) {
        return wrong("holds a space or an invisible character");
    }
    if value.ends_with('.') || value.contains("..") {
        return wrong("ends with a dot or holds two in a row");
    }
    let normal: String = if value.is_ascii() { value.to_owned() } else { value.nfc().collect() };
    if normal.len() > MAX_BYTES {
        return wrong("is longer than 200 bytes");
    }
    let stem = normal.split('.').next().unwrap_or_default().to_lowercase();
    if RESERVED.contains(&normal.to_lowercase().as_str()) || RESERVED.contains(&stem.as_str()) {
        return wrong("is a reserved name");
    }
    Ok(normal)
}

/// Zero-width characters, joiners and direction marks: two slugs could look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

/// A path as compared for collisions: file systems and hosts may ignore case and Unicode form.
pub fn folded(path: &str) -> String {
    if path.is_ascii() {
        return path.to_ascii_lowercase();
    }
    path.nfkc().collect::<String>().to_lowercase()
}

/// A group's key as a path segment: "C++" and "C#" stay apart, as `c-plus-plus` and `c-sharp`.
pub fn of_key(key: &str) -> String {
    let spelled = key.replace('+', "-plus").replace('#', "-sharp").replace('&', "-and-");
    slug::slugify(spelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_slugs_pass_unchanged() {
        for good in ["hello", "my-first-post", "v1.2", "über-uns", "日本語", "a_b"] {
            assert_eq!(segment(good).unwrap(), good);
        }
    }

    #[test]
    fn a_slug_is_one_safe_segment() {
        for bad in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "a\\b",
            "a\0b",
            "%2e%2e",
            "a%2fb",
            ".hidden",
            "_assets",
            "CON",
            "nul.txt",
            "a b",
            "a\u{200b}b",
            "a\nb",
            "a..b",
            "end.",
            "index.html",
        ] {
            assert!(segment(bad).is_err(), "{bad:?} passed");
        }
    }

    #[test]
    fn a_decomposed_slug_is_composed() {
        assert_eq!(segment("u\u{308}ber").unwrap(), "über");
    }

    #[test]
    fn case_and_form_do_not_tell_paths_apart() {
        assert_eq!(folded("/Über/"), folded("/u\u{308}ber/"));
    }

    #[test]
    fn keys_of_one_letter_and_a_sign_stay_apart() {
        assert_eq!(of_key("C++"), "c-plus-plus");
        assert_eq!(of_key("C#"), "c-sharp");
        assert_eq!(of_key("Node.js"), "node-js");
    }
}
