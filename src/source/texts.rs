//! Long texts of very large sites: a bounded amount stays in memory, the rest lies in a file
//! without a name, from which a text comes back when a page asks for it.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::Row;
use crate::error::{Error, Result};

/// Bytes of long texts that stay in memory, of all collections together.
pub const NEAR: u64 = 64 << 20;

/// Shorter texts are not worth a trip.
const LONG: usize = 512;

/// A file without a name, to which texts are added.
#[derive(Debug)]
struct Pile {
    file: File,
    end: AtomicU64,
}

impl Pile {
    /// Adds bytes; where they begin.
    fn add(&self, bytes: &[u8]) -> Result<u64> {
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.file.write_all_at(bytes, at).map_err(trouble)?;
        Ok(at)
    }
}

/// A text that lies in the file.
#[derive(Debug, Clone)]
pub struct Far {
    pile: Arc<Pile>,
    at: u64,
    len: usize,
}

impl Far {
    /// How long the text is.
    pub fn bytes(&self) -> u64 {
        self.len as u64
    }

    pub fn read(&self) -> Result<String> {
        let mut bytes = vec![0; self.len];
        self.pile.file.read_exact_at(&mut bytes, self.at).map_err(trouble)?;
        String::from_utf8(bytes).map_err(|_| damaged())
    }

    /// Puts another text, such as what was made of this one, into the same file.
    pub fn beside(&self, text: &str) -> Result<Self> {
        let at = self.pile.add(text.as_bytes())?;
        Ok(Self { pile: Arc::clone(&self.pile), at, len: text.len() })
    }
}

/// Takes texts in until the bound is reached, and puts the others into the file.
#[derive(Debug)]
pub struct Shelf {
    /// Bytes that may still stay.
    room: u64,
    pile: Option<Arc<Pile>>,
}

impl Shelf {
    pub fn new(room: u64) -> Self {
        Self { room, pile: None }
    }

    /// Moves the long texts of these columns out of rows that there is no room for.
    pub fn put(&mut self, rows: &mut [Row], columns: &[String]) -> Result<()> {
        for row in rows {
            for column in columns {
                let Some(Value::String(text)) = row.fields.get(column) else { continue };
                if text.len() < LONG || self.keeps(text.len() as u64) {
                    continue;
                }
                let pile = self.pile()?;
                let far = Far { at: pile.add(text.as_bytes())?, len: text.len(), pile };
                Arc::make_mut(&mut row.fields).insert(column.clone(), Value::Null);
                row.far.push((column.clone(), far));
            }
        }
        Ok(())
    }

    fn keeps(&mut self, len: u64) -> bool {
        let fits = len <= self.room;
        self.room = if fits { self.room - len } else { 0 };
        fits
    }

    fn pile(&mut self) -> Result<Arc<Pile>> {
        if let Some(pile) = &self.pile {
            return Ok(Arc::clone(pile));
        }
        let file = tempfile::tempfile().map_err(trouble)?;
        tracing::info!("long texts go to a temporary file from here on");
        Ok(Arc::clone(self.pile.insert(Arc::new(Pile { file, end: AtomicU64::new(0) }))))
    }
}

/// Moves all long texts of a collection's rows out, for tests.
#[cfg(test)]
pub fn push_far(rows: &mut [Row], collection: &crate::config::Collection) {
    Shelf::new(0).put(rows, &collection.long_texts()).unwrap();
}

fn trouble(error: std::io::Error) -> Error {
    Error::output(format!(
        "cannot keep long texts in a temporary file in {}",
        std::env::temp_dir().display()
    ))
    .because(error)
    .help("make room there, or name another folder with TMPDIR")
}

fn damaged() -> Error {
    Error::output("the temporary file with long texts was changed by another program")
        .help("build again")
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::json;

    use super::*;

    fn row(body: &str) -> Row {
        let fields = json!({"title": "t", "body": body, "note": "x"});
        Row { fields: Arc::new(fields.as_object().unwrap().clone()), ..Row::default() }
    }

    #[test]
    fn texts_beyond_the_bound_come_back_from_the_file() {
        let bodies: Vec<String> = (0..5).map(|n| format!("{n}é").repeat(300)).collect();
        let mut rows: Vec<Row> = bodies.iter().map(|body| row(body)).collect();
        let mut shelf = Shelf::new(2 * bodies[0].len() as u64);
        let (first, rest) = rows.split_at_mut(3);
        shelf.put(first, &["body".to_owned()]).unwrap();
        shelf.put(rest, &["body".to_owned()]).unwrap();
        let far: Vec<bool> = rows.iter().map(Row::is_far).collect();
        assert_eq!(far, [false, false, true, true, true]);
        for (row, body) in rows.iter().zip(&bodies) {
            let field = row.field("body").unwrap();
            assert_eq!(field.as_deref().and_then(Value::as_str), Some(body.as_str()));
            assert_eq!(row.field("title").unwrap().as_deref(), Some(&json!("t")));
            let all: Vec<&str> = row.fields.keys().map(String::as_str).collect();
            assert_eq!(all, ["title", "body", "note"], "columns keep their order");
        }
        assert!(matches!(rows[0].field("body").unwrap(), Some(Cow::Borrowed(_))));
        // What is made of a text may lie beside it.
        let made = rows[2].far[0].1.beside("<p>made</p>").unwrap();
        assert_eq!(made.read().unwrap(), "<p>made</p>");
        assert_eq!(rows[4].field("body").unwrap().as_deref(), Some(&json!(bodies[4])));
    }

    #[test]
    fn short_texts_and_other_columns_stay() {
        let mut rows = vec![row("short"), row(&"long".repeat(LONG))];
        Shelf::new(0).put(&mut rows, &["body".to_owned(), "missing".to_owned()]).unwrap();
        assert_eq!(rows[0].fields["body"], "short");
        assert_eq!((rows[1].far.len(), &rows[1].fields["note"]), (1, &json!("x")));
    }
}
