//! What a model wrote, made fit to be stored: no markup, no links, nothing that cannot be seen, one
//! kind of space.

use std::sync::LazyLock;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Nobody writes so many layers of markup about a text who means well.
const LAYERS: usize = 16;

/// Takes tags, scripts with what is in them, links and images of Markdown (their words stay), and
/// what cannot be seen out.
pub fn plain(text: &str) -> String {
    stable(text, |text| text.trim().to_owned())
}

/// The same on one line.
pub fn line(text: &str) -> String {
    stable(text, |text| text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Until nothing is left to take out: what is taken out of one layer of markup may be another.
fn stable(text: &str, shape: impl Fn(&str) -> String) -> String {
    let mut text = text.to_owned();
    for _ in 0..LAYERS {
        let next = shape(&without_links(&without_tags(&visible(&text))));
        if next == text {
            return text;
        }
        text = next;
    }
    text.retain(|c| !matches!(c, '<' | '>' | '&' | '[' | ']'));
    shape(&text)
}

/// What was written as a character reference counts as what it stands for.
fn without_tags(text: &str) -> String {
    static NOTHING: LazyLock<ammonia::Builder<'static>> = LazyLock::new(ammonia::Builder::empty);
    let clean = NOTHING.clean(text).to_string();
    let plain = clean.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ");
    // Last, so that one layer is taken off and not two.
    plain.replace("&amp;", "&")
}

/// Their words without where they lead, as the site's own Markdown would read them.
fn without_links(text: &str) -> String {
    if !text.contains('[') {
        return text.to_owned();
    }
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES);
    let definitions = parser.reference_definitions().iter();
    let mut cuts: Vec<_> =
        definitions.map(|(_, definition)| (definition.span.clone(), String::new())).collect();
    let (mut depth, mut words) = (0_usize, String::new());
    for (event, range) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => depth += 1,
            Event::End(TagEnd::Link | TagEnd::Image) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    cuts.push((range, std::mem::take(&mut words)));
                }
            }
            Event::Text(said) | Event::Code(said) if depth > 0 => words.push_str(&said),
            Event::SoftBreak | Event::HardBreak if depth > 0 => words.push(' '),
            _ => {}
        }
    }
    cuts.sort_by_key(|(range, _)| range.start);
    let (mut kept, mut from) = (String::with_capacity(text.len()), 0);
    for (range, words) in cuts {
        if let Some(before) = text.get(from..range.start) {
            kept.push_str(before);
            kept.push_str(&words);
            from = range.end;
        }
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    kept
}

/// Without control characters, those that turn the direction of a text around, and those without
/// any width but where scripts need them.
fn visible(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => kept.push(' '),
            '\u{200c}' | '\u{200d}' if kept.chars().next_back().is_some_and(joins) => kept.push(c),
            c if c == '\n' || !(c.is_control() || is_unseen(c)) => kept.push(c),
            _ => {}
        }
    }
    kept
}

/// Whether letters of its script are joined by characters without width, or it is a picture.
fn joins(c: char) -> bool {
    c >= '\u{590}' && !matches!(c, '\u{1e00}'..='\u{206f}')
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
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
            ("1 < 2 & 3 > 2, a < b", "1 < 2 & 3 > 2, a < b"),
            ("Ignore this <img src=x onerror=alert(1)>.", "Ignore this ."),
            ("two\twords", "two words"),
            ("Größe, 日本語, naïve [sic] and a[0]", "Größe, 日本語, naïve [sic] and a[0]"),
        ] {
            assert_eq!(plain(answer), kept);
        }
        assert_eq!(line(" two\n  lines "), "two lines");
        assert!(within("short".to_owned(), 10, 20).is_err());
        assert_eq!(within("Größe".to_owned(), 5, 5).unwrap(), "Größe");
    }

    #[test]
    fn markup_in_disguise_is_markup() {
        for (answer, kept) in [
            ("&lt;script&gt;alert(1)&lt;/script&gt;Quiet", "Quiet"),
            ("&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt;Quiet", "Quiet"),
            ("&#60;img src=x onerror=alert(1)&#62;Quiet", "Quiet"),
            ("a < b &lt;i&gt;c", "a < b c"),
            ("<xmp><script>alert(1)</script></xmp>Quiet", "Quiet"),
            ("<\u{200b}script>alert(1)</script>Quiet", "Quiet"),
            ("<scr<b></b>ipt>Quiet", "ipt>Quiet"),
        ] {
            assert_eq!(plain(answer), kept, "{answer}");
            assert_eq!(line(answer), kept, "{answer}");
        }
        let deep = format!("&{}lt;b&{}gt;", "amp;".repeat(99), "amp;".repeat(99));
        assert!(!plain(&deep).contains(['<', '&']), "{}", plain(&deep));
    }

    #[test]
    fn links_and_images_leave_their_words() {
        for (answer, kept) in [
            ("See [the quay](https://evil.example).", "See the quay."),
            ("See ![a boat](https://evil.example/x.png \"t\").", "See a boat."),
            ("A [![boat](/b.png) at *sea*](https://evil.example)!", "A boat at sea!"),
            ("A [quay][1], a [boat].\n\n[1]: https://a.example\n[boat]: /b", "A quay, a boat."),
            ("[\\[a\\](/b)](/c)", "a"),
            ("[a\u{202e}](/c)", "a"),
            ("&#91;a](/c)", "a"),
            ("<https://evil.example> Quiet", "Quiet"),
        ] {
            assert_eq!(plain(answer), kept, "{answer}");
        }
        // What is code in a block is a link on one line.
        assert_eq!(line("A quay:\n\n    [a](/b)"), "A quay: a");
    }

    #[test]
    fn what_cannot_be_seen_goes_where_no_script_needs_it() {
        for (answer, kept) in [
            ("\u{0}x\u{7}\u{200b}y\u{feff} ", "xy"),
            ("safe\u{202e}gnp.exe\u{2066}\u{2069}\u{200f}", "safegnp.exe"),
            ("a\u{200d}b\u{200c}", "ab"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("क्\u{200d}ष", "क्\u{200d}ष"),
            ("👩\u{200d}🚀", "👩\u{200d}🚀"),
            ("👩\u{200d}\u{200d}\u{200d}🚀", "👩\u{200d}🚀"),
            ("x\u{e0049}\u{e0067}", "x"),
        ] {
            assert_eq!(plain(answer), kept, "{answer:?}");
        }
    }
}
