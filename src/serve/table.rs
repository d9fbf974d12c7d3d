//! Tables on dev mode's own pages.

use std::fmt::Write as _;

use crate::render::escaped;

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    Text(&'static str),
    /// Figures, one below the other.
    Figure(&'static str),
    /// Much text of less weight.
    Soft(&'static str),
}

use Column::{Figure, Soft, Text};

/// A table of cells that are HTML; nothing without rows. What does not fit is scrolled, by keyboard
/// too: `name` tells what of.
pub fn table(
    body: &mut String,
    name: &str,
    columns: &[Column],
    rows: impl IntoIterator<Item = Vec<String>>,
) {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return;
    }
    let _ = write!(
        body,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table><thead><tr>",
        escaped(name)
    );
    for column in columns {
        let (Text(head) | Figure(head) | Soft(head)) = column;
        let _ = write!(body, "<th scope=\"col\"{}>{}</th>", class(*column), escaped(head));
    }
    body.push_str("</tr></thead><tbody>");
    for row in rows {
        body.push_str("<tr>");
        for (column, cell) in columns.iter().zip(row) {
            let _ = write!(body, "<td{}>{cell}</td>", class(*column));
        }
        body.push_str("</tr>");
    }
    body.push_str("</tbody></table></div>");
}

fn class(column: Column) -> &'static str {
    match column {
        Text(_) => "",
        Figure(_) => " class=\"n\"",
        Soft(_) => " class=\"soft\"",
    }
}

/// Figures with what they are of.
pub fn figures<'a>(body: &mut String, figures: impl IntoIterator<Item = (&'a str, String)>) {
    body.push_str("<dl class=\"figures\">");
    for (what, figure) in figures {
        let _ = write!(body, "<div><dt>{what}</dt><dd>{}</dd></div>", escaped(&figure));
    }
    body.push_str("</dl>");
}

pub fn bytes(bytes: u64) -> String {
    humansize::format_size(bytes, humansize::DECIMAL)
}

pub fn link(path: &str) -> String {
    format!("<a href=\"{}\">{}</a>", escaped(&crate::render::encoded(path)), escaped(path))
}

/// A link to the report on a page.
pub fn report(path: &str, text: &str) -> String {
    let all = percent_encoding::NON_ALPHANUMERIC;
    let encoded = percent_encoding::utf8_percent_encode(path, all);
    format!("<a href=\"/_frieze/page?path={encoded}\">{}</a>", escaped(text))
}

pub fn code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_names_its_columns_and_itself() {
        let mut body = String::new();
        table(&mut body, "a <b>", &[Text("x"), Figure("n")], Vec::<Vec<String>>::new());
        assert_eq!(body, "");
        table(&mut body, "a <b>", &[Text("x"), Figure("n")], [vec!["1".into(), "2".into()]]);
        assert!(body.contains("aria-label=\"a &lt;b&gt;\"") && body.contains("<td class=\"n\">2"));
    }
}
