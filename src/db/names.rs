//! Names as people read them in messages and paste them into a console.

/// An identifier: quoted only where it must be.
pub fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit()) {
        return name.to_owned();
    }
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn names_are_quoted_when_they_must_be() {
        for (name, sql) in
            [("a_1", "a_1"), ("1a", "\"1a\""), ("a b", "\"a b\""), ("a\"b", "\"a\"\"b\"")]
        {
            assert_eq!(quoted(name), sql);
        }
    }
}
