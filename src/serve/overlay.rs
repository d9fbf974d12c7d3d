//! Errors as HTML: over the last good page, or alone where there is none.

use std::fmt::Write as _;
use std::path::Path;

use super::source::{self, Excerpt};
use crate::error::Error;
use crate::pipeline::live::Live;
use crate::render::escaped;

/// One error: what went wrong, where, why, and what to do.
pub fn fault(error: &Error, live: Option<&Live>) -> String {
    let chain = error.chain();
    let excerpt = source::excerpt(error, live);
    let kind = error.kind().name();
    let mut html = format!("<article class=\"fault\"><p class=\"kind\">{kind}</p>");
    let _ = write!(html, "<h2>{}</h2>", lines(&chain[0]));
    if let Some(excerpt) = &excerpt {
        html.push_str(&quoted(excerpt));
    }
    // Where a cause stands in what it caused, it says no more.
    let says_more = |cause: &&String| {
        let bare = cause.trim_start_matches("error: ").lines().next().unwrap_or_default();
        bare.is_empty() || !chain[0].contains(bare)
    };
    let mut causes = chain[1..].iter().filter(says_more).peekable();
    if causes.peek().is_some() {
        html.push_str("<ol class=\"chain\">");
        for cause in causes {
            // The engine's own excerpt of the same lines says no more.
            let same = excerpt.is_some() && cause.contains(" --> ");
            let text = if same { cause.lines().next().unwrap_or_default() } else { cause };
            let _ = write!(html, "<li>{}</li>", lines(text));
        }
        html.push_str("</ol>");
    }
    if let Some(help) = error.help_text() {
        let _ = write!(html, "<p class=\"help\">{}</p>", lines(help));
    }
    html.push_str("</article>");
    html
}

/// A file as it is seen from where the program was started.
fn near(file: &str) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let file = Path::new(file);
    let near = file.strip_prefix(here).or_else(|_| file.strip_prefix(".")).unwrap_or(file);
    near.display().to_string()
}

fn lines(text: &str) -> String {
    let safe = escaped(text.trim_end());
    if safe.contains('\n') { format!("<span class=\"pre\">{safe}</span>") } else { safe }
}

fn quoted(excerpt: &Excerpt) -> String {
    let mut html = format!(
        "<figure><figcaption>{}:{}</figcaption><pre>",
        escaped(&near(&excerpt.file)),
        excerpt.line
    );
    for (number, line) in (excerpt.first..).zip(&excerpt.lines) {
        let tag = if number == excerpt.line { "mark" } else { "span" };
        let _ = write!(html, "<{tag}><i>{number}</i>{}\n</{tag}>", escaped(line));
    }
    html.push_str("</pre></figure>");
    html
}

/// A whole page of dev mode's own.
pub fn page(title: &str, body: &str, at: Option<&str>) -> String {
    let script = at.map(client).unwrap_or_default();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{}</title>\
         <link rel=\"stylesheet\" href=\"/_frieze/frieze.css\"><body class=\"own\"><main>{body}</main>{script}</html>\n",
        escaped(title)
    )
}

/// What follows every page: the script that listens for changes. `at` is the state it was made of.
pub fn client(at: &str) -> String {
    format!("<script src=\"/_frieze/client.js\" data-at=\"{at}\" async></script>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_quotes_is_text() {
        let error =
            Error::template("a <script> & \"b\"").because(Error::other("x\n<y>")).help("<z>");
        let html = fault(&error, None);
        assert!(
            !html.contains("<script>") && !html.contains("<y>") && !html.contains("<z>"),
            "{html}"
        );
        assert!(html.contains("a &lt;script&gt; &amp; &quot;b&quot;"), "{html}");
        assert!(html.contains("<li><span class=\"pre\">x\n&lt;y&gt;</span></li>"), "{html}");
    }
}
