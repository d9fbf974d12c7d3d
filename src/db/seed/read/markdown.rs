//! Rows written as Markdown: TOML front matter between `+++` lines, then the text.

use std::ops::Range;

use serde_json::Value;

use super::text::Text;
use super::{Field, Parsed, toml};
use crate::error::Result;

const FENCE: &str = "+++";

/// A Markdown file; its text becomes the field `body`.
pub(super) fn row(text: &Text, table: &str, body: Option<&str>) -> Result<Parsed> {
    let (front, body_range) = parts(text)?;
    let mut row = toml::row(text, front)?;
    row.line = row.line.min(2);
    let at = body_range.start;
    let content = &text.as_str()[body_range];
    if content.is_empty() {
        return Ok(row);
    }
    let Some(column) = body else {
        return Err(text
            .error(at, format!("no column of {table} takes the text below the front matter"))
            .help(format!(
                "name the column in frieze.toml, as in markdown = [\"body\"] in the collection of the table {table}"
            )));
    };
    if row.fields.iter().any(|field| field.name == column) {
        return Err(text
            .error(at, format!("{column} is given twice: in the front matter and as text below it"))
            .help(format!("remove {column} from the front matter")));
    }
    let value = Value::String(content.to_owned());
    row.fields.push(Field { name: column.to_owned(), value, line: text.line(at) });
    Ok(row)
}

/// Where the front matter stands, and where the text below it; an empty text begins where one would.
pub(in crate::db) fn parts(text: &Text) -> Result<(Range<usize>, Range<usize>)> {
    let (front, rest) = split(text)?;
    let content = text.as_str()[rest..].trim_end();
    let skipped = content.len() - content.trim_start_matches(['\n', ' ', '\t']).len();
    // Spaces that open the first line may be an indented code block: only whole lines go.
    let begin = content[..skipped].rfind('\n').map_or(0, |newline| newline + 1);
    Ok((front, rest + begin..rest + content.len()))
}

/// The range of the front matter and where the text below it begins.
fn split(text: &Text) -> Result<(Range<usize>, usize)> {
    let mut lines = text.as_str().split_inclusive('\n');
    match lines.next().map(str::trim_end) {
        Some(FENCE) => {}
        Some("---") => {
            return Err(text.error(0, "YAML front matter is not read").help(
                "write the front matter as TOML between two lines +++, as in title = \"…\"",
            ));
        }
        _ => {
            return Err(text.error(0, "a row without front matter").help(
                "begin the file with a line +++, the row's columns as TOML, and another line +++",
            ));
        }
    }
    let first = text.as_str().find('\n').map_or(text.whole().end, |newline| newline + 1);
    let mut at = first;
    for line in lines {
        if line.trim_end() == FENCE {
            return Ok((first..at, at + line.len()));
        }
        at += line.len();
    }
    Err(text.error(0, "the front matter has no end").help("close it with a second line +++"))
}
