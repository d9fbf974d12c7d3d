//! Lines with a checksum each, and what a file of them says. A line that is cut off was never
//! acknowledged; any other damage counts as a change of who knows what.

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::fs;
use crate::hook::state::{Entry, State};

/// The same as [`Entry::Whole`], of a state that stays where it is.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Begin<'a> {
    Whole(&'a State),
}

/// How long a checksum is.
const SUM: usize = 16;

/// The lines that stand for all of a state. What was spent stands there twice: damage in one line
/// must not free the day's budget.
pub fn whole(state: &State) -> Vec<u8> {
    let budget = Entry::Budget { spent: state.spent.clone(), last_attempt: state.last_attempt };
    let mut text = Vec::new();
    put(&mut text, &Begin::Whole(state));
    put(&mut text, &budget);
    text
}

/// Adds a line in place: that of a whole state may be long.
pub fn put(text: &mut Vec<u8>, entry: &impl Serialize) {
    let (start, body) = (text.len(), text.len() + SUM + 1);
    text.resize(body, b' ');
    if serde_json::to_writer(&mut *text, entry).is_err() {
        // Maps with keys of text are always JSON.
        text.truncate(start);
        return;
    }
    let sum = sum(text.get(body..).unwrap_or_default());
    if let Some(place) = text.get_mut(start..start + SUM) {
        place.copy_from_slice(sum.as_bytes());
    }
    text.push(b'\n');
}

fn sum(text: &[u8]) -> String {
    blake3::hash(text).to_hex()[..SUM].to_owned()
}

fn parse(line: &[u8]) -> Option<Entry> {
    let (known, text) = std::str::from_utf8(line).ok()?.split_once(' ')?;
    if known != sum(text.as_bytes()) {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// What a file says, if there is one; `now` is when damage in it was found.
pub fn load(path: &Path, now: i64) -> Result<State> {
    let mut state = State::default();
    if !path.exists() {
        return Ok(state);
    }
    let bytes = fs::read(path)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let mut damaged = 0;
    for line in bytes[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        match parse(line) {
            Some(entry) => state.apply(entry),
            None => damaged += 1,
        }
    }
    if damaged > 0 {
        tracing::warn!(
            "{} is damaged in {damaged} lines: a deployment will follow",
            path.display()
        );
        state.apply(Entry::Change { at: now, table: "(unknown)".to_owned(), id: None });
    }
    Ok(state)
}
