//! The names in a query, read without understanding it.

/// Every identifier, with its schema where one is written before it; folded as Postgres does.
pub fn names(query: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut is_joined = false;
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let (word, length) = match first {
            '"' => quoted(rest),
            '\'' => (None, literal(rest)),
            '-' if rest.starts_with("--") => (None, line(rest)),
            c if c.is_alphabetic() || c == '_' => plain(rest),
            c => (None, c.len_utf8()),
        };
        match (word, names.last_mut()) {
            (Some(word), Some(last)) if is_joined => {
                last.push('.');
                last.push_str(&word);
            }
            (Some(word), _) => names.push(word),
            (None, _) => {}
        }
        is_joined = first == '.' || (is_joined && first.is_whitespace());
        rest = &rest[length..];
    }
    names
}

/// A quoted identifier and how long it is as written.
fn quoted(text: &str) -> (Option<String>, usize) {
    let mut word = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '"' {
            word.push(letter);
        } else if letters.next_if(|(_, next)| *next == '"').is_some() {
            word.push('"');
        } else {
            return (Some(word), at + 1);
        }
    }
    (None, text.len())
}

/// How long a text in single quotes is; a doubled quote is two texts side by side.
fn literal(text: &str) -> usize {
    text[1..].find('\'').map_or(text.len(), |at| at + 2)
}

fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

fn plain(text: &str) -> (Option<String>, usize) {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let length = text.find(|c| !is_part(c)).unwrap_or(text.len());
    (Some(text[..length].to_lowercase()), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_between_everything_else() {
        let query = "select Posts.id, 'from a it''s b' as \"Odd \"\"Name\" -- from c\nfrom blog . \"Posts\", é1";
        assert_eq!(
            names(query),
            ["select", "posts.id", "as", "Odd \"Name", "from", "blog.Posts", "é1"]
        );
    }

    #[test]
    fn what_is_never_closed_ends_somewhere() {
        for query in ["select \"a", "select 'a", "--", "a.", "\"", "'"] {
            names(query);
        }
    }
}
