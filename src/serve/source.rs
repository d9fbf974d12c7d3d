//! The lines around a mistake, found by what an error says of its place.

use crate::error::Error;
use crate::pipeline::live::Live;

/// Some lines of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// Where a person would edit it.
    pub file: String,
    /// The line that is wrong, from 1.
    pub line: usize,
    pub first: usize,
    pub lines: Vec<String>,
}

/// So many lines are shown before and after.
const AROUND: usize = 4;

/// The place that an error names, if it names one that can be read.
pub fn excerpt(error: &Error, live: Option<&Live>) -> Option<Excerpt> {
    error.chain().iter().find_map(|message| {
        let template = template(message).and_then(|(name, line)| {
            let template = live?.theme().templates.get(name)?;
            Some(cut(&template.origin, &template.text, line))
        });
        let sheet = || {
            let (name, line) = sheet(message)?;
            let file = live?.theme().static_files.get(&format!("_assets/{name}"))?;
            let text = String::from_utf8(file.read().ok()?.into_owned()).ok()?;
            Some(cut(&format!("static/_assets/{name}"), &text, line))
        };
        let content = || {
            let (path, line) = content(message)?;
            Some(cut(path, &std::fs::read_to_string(path).ok()?, line))
        };
        template.or_else(sheet).or_else(content)
    })
}

fn cut(file: &str, text: &str, line: usize) -> Excerpt {
    let first = line.saturating_sub(AROUND).max(1);
    let lines = text.lines().skip(first - 1).take(line + AROUND + 1 - first).map(str::to_owned);
    Excerpt { file: file.to_owned(), line, first, lines: lines.collect() }
}

/// `template pages/a.html line 3: …`.
fn template(message: &str) -> Option<(&str, usize)> {
    let rest = message.split_once("template ")?.1;
    let (name, rest) = rest.split_once(" line ")?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    Some((name, rest[..digits].parse().ok()?)).filter(|(name, _)| !name.contains(' '))
}

/// `… at css/main.css:2:7`, whose lines are counted from 0.
fn sheet(message: &str) -> Option<(&str, usize)> {
    let end = message.rfind(".css:")? + ".css".len();
    let start = message[..end].rfind(' ').map_or(0, |space| space + 1);
    let line = message[end + 1..].split(':').next()?.parse::<usize>().ok()?;
    Some((&message[start..end], line + 1))
}

/// `content/posts/a.md:12: …`.
fn content(message: &str) -> Option<(&str, usize)> {
    let (place, _) = message.split_once(": ")?;
    let (path, line) = place.rsplit_once(':')?;
    Some((path, line.parse().ok()?)).filter(|(path, _)| path.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_messages() {
        assert_eq!(template("template pages/a.html line 12: no"), Some(("pages/a.html", 12)));
        assert_eq!(template("template error: no"), None);
        assert_eq!(
            sheet("static/_assets/css/a.css: bad at css/_b.css:2:7"),
            Some(("css/_b.css", 3))
        );
        assert_eq!(content("content/posts/a.md:12: no title"), Some(("content/posts/a.md", 12)));
        assert_eq!(content("the site has no home page"), None);
    }

    #[test]
    fn an_excerpt_stays_within_the_file() {
        let text = "1\n2\n3\n4\n5\n6\n7";
        let found = cut("f", text, 2);
        assert_eq!((found.first, found.lines.len()), (1, 6));
        let found = cut("f", text, 7);
        assert_eq!((found.first, found.lines.last().map(String::as_str)), (3, Some("7")));
        assert!(cut("f", "", 9).lines.is_empty());
    }
}
