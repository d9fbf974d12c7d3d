//! Footnotes: numbered in the order they are first referred to, gathered at the end.

use std::collections::HashMap;
use std::fmt::Write as _;

pub struct Footnotes {
    /// What every number begins with in ids: nothing, or the text's scope and a hyphen.
    scope: String,
    notes: Vec<Note>,
    places: HashMap<String, usize>,
    /// Places of the notes with a number, by number.
    order: Vec<usize>,
    /// The definitions being read: a note's place, and the text around its definition.
    open: Vec<(usize, String)>,
}

#[derive(Default)]
struct Note {
    /// From 1; 0 until the first reference.
    number: usize,
    references: usize,
    html: String,
}

impl Footnotes {
    pub fn new(scope: &str) -> Self {
        let scope = if scope.is_empty() { String::new() } else { format!("{scope}-") };
        Self { scope, notes: vec![], places: HashMap::new(), order: vec![], open: vec![] }
    }

    /// Writes a reference; within a link it is a number only.
    pub fn refer(&mut self, out: &mut String, label: &str, linked: bool) {
        let place = self.place(label);
        let number = self.number(place);
        if !linked {
            let _ = write!(out, "<sup class=\"footnote-ref\">{number}</sup>");
            return;
        }
        self.notes[place].references += 1;
        let id = self.reference(number, self.notes[place].references);
        let _ = write!(
            out,
            "<sup class=\"footnote-ref\"><a href=\"#fn:{}{number}\" id=\"{id}\" \
             role=\"doc-noteref\" aria-label=\"Footnote {number}\">{number}</a></sup>",
            self.scope
        );
    }

    /// From here to [`end`](Self::end), what is written to `out` is the note's text.
    pub fn begin(&mut self, out: &mut String, label: &str) {
        let place = self.place(label);
        self.open.push((place, std::mem::take(out)));
    }

    pub fn end(&mut self, out: &mut String) {
        if let Some((place, around)) = self.open.pop() {
            let html = std::mem::replace(out, around);
            self.notes[place].html.push_str(&html);
        }
    }

    /// Appends the notes. Those nobody refers to come last: their text may matter all the same.
    pub fn write(&mut self, out: &mut String) {
        if self.notes.is_empty() {
            return;
        }
        for place in 0..self.notes.len() {
            self.number(place);
        }
        out.push_str(
            "<div class=\"footnotes\" role=\"doc-endnotes\" aria-label=\"Footnotes\"><ol>",
        );
        for place in &self.order {
            self.write_note(out, &self.notes[*place]);
        }
        out.push_str("</ol></div>");
    }

    fn write_note(&self, out: &mut String, note: &Note) {
        let _ = write!(out, "<li id=\"fn:{}{}\">", self.scope, note.number);
        let text = note.html.strip_suffix("</p>");
        out.push_str(text.unwrap_or(&note.html));
        for nth in 1..=note.references {
            let _ = write!(
                out,
                " <a class=\"footnote-back\" href=\"#{}\" role=\"doc-backlink\" \
                 aria-label=\"Back to reference {}\">↩\u{fe0e}</a>",
                self.reference(note.number, nth),
                note.number
            );
        }
        out.push_str(if text.is_some() { "</p></li>" } else { "</li>" });
    }

    fn reference(&self, number: usize, nth: usize) -> String {
        match nth {
            1 => format!("fnref:{}{number}", self.scope),
            _ => format!("fnref:{}{number}-{nth}", self.scope),
        }
    }

    fn place(&mut self, label: &str) -> usize {
        let place = *self.places.entry(label.to_lowercase()).or_insert(self.notes.len());
        if place == self.notes.len() {
            self.notes.push(Note::default());
        }
        place
    }

    fn number(&mut self, place: usize) -> usize {
        if self.notes[place].number == 0 {
            self.order.push(place);
            self.notes[place].number = self.order.len();
        }
        self.notes[place].number
    }
}
