//! Names for the files of rows that have none yet: safe everywhere, and told apart everywhere.

use std::collections::BTreeSet;

/// Long enough for any slug, short enough for every file system.
const LENGTH: usize = 100;

/// Names that mean something else: to us, or to Windows.
const RESERVED: [&str; 7] = ["readme", "con", "prn", "aux", "nul", "com", "lpt"];

/// A file's name without its ending, made of what people call the row.
pub(super) fn stem(words: &str) -> String {
    let mut name = slug::slugify(words);
    name.truncate(LENGTH);
    let name = name.trim_end_matches('-');
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match name {
        "" => "row".to_owned(),
        _ if RESERVED.contains(&bare) => format!("{name}-row"),
        _ => name.to_owned(),
    }
}

/// `folder/stem.ending`, with a number where that is taken; takes it.
pub(super) fn sole(
    taken: &mut BTreeSet<String>,
    folder: &str,
    stem: &str,
    ending: &str,
) -> (String, String) {
    let mut name = stem.to_owned();
    let mut count = 1;
    loop {
        let path = format!("{folder}/{name}.{ending}");
        // A row is known by its file's name without the ending, so that must be its own too.
        let whole = format!("{folder}/{name}.").to_lowercase();
        let is_free =
            taken.range(whole.clone()..).next().is_none_or(|next| !next.starts_with(&whole));
        if is_free {
            taken.insert(path.to_lowercase());
            return (name, path);
        }
        count += 1;
        name = format!("{stem}-{count}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_safe_name() {
        for (words, name) in [
            ("../../etc/passwd", "etc-passwd"),
            ("Ça va, Ünïcode?", "ca-va-unicode"),
            ("", "row"),
            ("///", "row"),
            ("README", "readme-row"),
            ("CON", "con-row"),
            ("lpt1", "lpt1-row"),
            ("a.b\\c\0d", "a-b-c-d"),
        ] {
            assert_eq!(stem(words), name, "{words:?}");
        }
        assert_eq!(stem(&"x".repeat(500)).len(), LENGTH);
    }

    #[test]
    fn names_differ_whatever_the_file_system_tells_apart() {
        let mut taken = BTreeSet::from(["posts/a.jpg".to_owned(), "posts/about.md".to_owned()]);
        assert_eq!(sole(&mut taken, "posts", "a", "md").1, "posts/a-2.md");
        assert_eq!(sole(&mut taken, "posts", "a", "md").1, "posts/a-3.md");
        assert_eq!(sole(&mut taken, "Posts", "About", "md").1, "Posts/About-2.md");
        assert_eq!(sole(&mut taken, "posts", "b", "md"), ("b".to_owned(), "posts/b.md".to_owned()));
    }
}
