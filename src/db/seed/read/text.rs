//! A file's text with its lines counted once, so that every message can say where.

use std::ops::Range;

use crate::error::Error;

/// A text file: what it says and where its lines begin.
pub(in crate::db) struct Text {
    /// The file's path as messages show it.
    pub path: String,
    content: String,
    newlines: Vec<usize>,
}

impl Text {
    /// Takes the text without its byte order mark and with one kind of line end, so that a
    /// checkout on another system holds the same rows.
    pub fn new(path: String, text: String) -> Self {
        let mut content = text;
        if content.starts_with('\u{feff}') {
            content.remove(0);
        }
        if memchr::memchr(b'\r', content.as_bytes()).is_some() {
            content = content.replace("\r\n", "\n");
        }
        let newlines = memchr::memchr_iter(b'\n', content.as_bytes()).collect();
        Self { path, content, newlines }
    }

    pub fn as_str(&self) -> &str {
        &self.content
    }

    pub fn whole(&self) -> Range<usize> {
        0..self.content.len()
    }

    /// The line, from 1, that the byte at `offset` stands on.
    pub fn line(&self, offset: usize) -> usize {
        1 + self.newlines.partition_point(|newline| *newline < offset)
    }

    /// The column, from 1 and in characters, of the byte at `offset`.
    pub fn column(&self, offset: usize) -> usize {
        let line = self.line(offset);
        let start = if line == 1 { 0 } else { self.newlines[line - 2] + 1 };
        1 + self.content.get(start..offset).map_or(0, |before| before.chars().count())
    }

    /// Where a piece cut out of this text begins in it.
    pub fn offset_of(&self, piece: &str) -> usize {
        (piece.as_ptr() as usize).saturating_sub(self.content.as_ptr() as usize)
    }

    /// An error at a byte of the text.
    pub fn error(&self, offset: usize, message: impl std::fmt::Display) -> Error {
        self.error_on(self.line(offset), message)
    }

    /// An error on a line of the text.
    pub fn error_on(&self, line: usize, message: impl std::fmt::Display) -> Error {
        Error::content(format!("{}:{line}: {message}", self.path))
    }

    /// A syntax error, which has a column too.
    pub fn syntax(&self, offset: usize, message: impl std::fmt::Display) -> Error {
        let (line, column) = (self.line(offset), self.column(offset));
        Error::content(format!("{}:{line}:{column}: {message}", self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let text = Text::new("x".to_owned(), "ab\r\nçd\ne".to_owned());
        assert_eq!(text.as_str(), "ab\nçd\ne");
        assert_eq!((text.line(0), text.column(0)), (1, 1));
        assert_eq!((text.line(2), text.column(2)), (1, 3));
        assert_eq!((text.line(5), text.column(5)), (2, 2));
        assert_eq!((text.line(7), text.column(7)), (3, 1));
        assert_eq!((text.line(8), text.column(8)), (3, 2));
    }

    #[test]
    fn a_byte_order_mark_is_no_text() {
        assert_eq!(Text::new("x".to_owned(), "\u{feff}a".to_owned()).as_str(), "a");
    }
}
