//! What a model wrote, made fit to be stored: no markup, no control characters, one kind of space.

use std::sync::LazyLock;

/// Takes tags, scripts with what is in them, and control characters out.
pub fn plain(text: &str) -> String {
    static NOTHING: LazyLock<ammonia::Builder<'static>> = LazyLock::new(ammonia::Builder::empty);
    let clean = NOTHING.clean(text).to_string();
    let mut plain = clean.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
    // Last, so that what was written as text stays text.
    plain = plain.replace("&amp;", "&");
    plain.retain(|c| c == '\n' || !c.is_control());
    plain.trim().to_owned()
}

/// The same on one line.
pub fn line(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text between so many characters, or what is wrong with it.
pub fn within(text: String, least: usize, most: usize) -> Result<String, String> {
    match text.chars().count() {
        count if count < least => {
            Err(format!("the answer has {count} characters, at least {least} are wanted"))
        }
        count if count > most => {
            Err(format!("the answer has {count} characters, at most {most} are wanted"))
        }
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_goes_and_text_stays() {
        for (answer, kept) in [
            ("A <b>boat</b> & a quay", "A boat & a quay"),
            ("<script>alert(1)</script>Quiet", "Quiet"),
            ("a < b &lt;i&gt;", "a < b <i>"),
            ("\u{0}x\u{7}\u{200b}y ", "x\u{200b}y"),
            ("Ignore this <img src=x onerror=alert(1)>.", "Ignore this ."),
        ] {
            assert_eq!(plain(answer), kept);
        }
        assert_eq!(line(" two\n  lines "), "two lines");
        assert!(within("short".to_owned(), 10, 20).is_err());
        assert_eq!(within("Größe".to_owned(), 5, 5).unwrap(), "Größe");
    }
}
