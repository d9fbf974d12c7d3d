//! Where rows go that no file holds yet.

use std::collections::BTreeSet;

use super::sheet::{Draft, Entry, Form, Sheet};
use super::stored::Stored;
use super::tables::TIMES;
use super::{LeftOut, names};
use crate::db::seed::catalog::Key;
use crate::db::seed::marks::Marks;
use crate::db::seed::read::place::{Format, Place, body_column};

impl Sheet<'_> {
    /// Finds a file for every row that none holds.
    pub fn find_new_homes(&mut self, taken: &mut BTreeSet<String>) {
        let entries = self.files.iter().flat_map(|file| &file.entries);
        let held: BTreeSet<usize> = entries.filter_map(|entry| entry.stored).collect();
        let new: Vec<usize> =
            (0..self.stored.len()).filter(|index| !held.contains(index)).collect();
        let (known, lost): (Vec<usize>, Vec<usize>) =
            new.into_iter().partition(|index| self.is_recognisable(&self.stored[*index]));
        self.left_out = self.leave_out(lost.len());
        for index in known {
            let columns = self.columns_of(&self.stored[index]);
            let changes = columns.into_iter().map(|name| (name, Form::Custom)).collect();
            let marks = Marks::new();
            let (is_new, is_removed, edit) = (true, false, None);
            let entry = Entry { stored: Some(index), is_new, is_removed, changes, edit, marks };
            match self.own_file(index, taken) {
                Some(place) => self.files.push(Draft {
                    place,
                    original: None,
                    entries: vec![entry],
                    text: None,
                }),
                None => self.list().entries.push(entry),
            }
        }
    }

    /// The columns that a new row's file has to name, the times last.
    fn columns_of(&self, stored: &Stored) -> Vec<String> {
        let made = self.table.uuid_key().map(|column| column.name.as_str());
        let is_needed = |name: &&String| !stored.plain.contains(*name) || self.keeps(stored, name);
        let names =
            stored.cells.keys().filter(|name| Some(name.as_str()) != made).filter(is_needed);
        let (times, mut columns): (Vec<String>, Vec<String>) =
            names.cloned().partition(|name| TIMES.contains(&name.as_str()));
        columns.extend(times);
        if columns.is_empty() {
            columns.extend(self.table.primary_key().iter().cloned());
        }
        columns
    }

    /// Whether a column has to be named even at its default: without it nothing would tell the row
    /// from the others. A row whose id can be made up is told by that.
    pub fn keeps(&self, stored: &Stored, column: &str) -> bool {
        self.table.uuid_key().is_none()
            && self.key_of(stored).is_some_and(|key| key.columns.iter().any(|name| name == column))
    }

    fn is_recognisable(&self, stored: &Stored) -> bool {
        self.table.uuid_key().is_some() || self.key_of(stored).is_some()
    }

    /// The first key that a file can name whole. A column that the database computes has no cell.
    fn key_of(&self, stored: &Stored) -> Option<&Key> {
        let is_given = |name: &String| stored.cells.get(name).is_some_and(|it| it.text.is_some());
        self.table.keys.iter().find(|key| key.columns.iter().all(is_given))
    }

    fn leave_out(&self, count: usize) -> Option<LeftOut> {
        let rows = match count {
            0 => return None,
            1 => "1 row has".to_owned(),
            n => format!("{n} rows have"),
        };
        let keys: Vec<String> =
            self.table.keys.iter().map(|key| key.columns.join(" and ")).collect();
        let reason =
            format!("{rows} no {}: nothing tells such a row from the others", keys.join(" or "));
        Some(LeftOut { table: self.table.name.clone(), reason })
    }

    /// A file for one row, in tables where people have it so.
    fn own_file(&self, index: usize, taken: &mut BTreeSet<String>) -> Option<Place> {
        let format = if self.site.is_layouts {
            Format::Json
        } else if body_column(self.site.config, &self.table.name).is_some() {
            Format::Markdown
        } else {
            return None;
        };
        let ending = if format == Format::Json { "json" } else { "md" };
        let stem = names::stem(&self.words(&self.stored[index]));
        let (stem, name) = names::sole(taken, &self.table.name, &stem, ending);
        let path = name.split('/').collect();
        Some(Place { path, name, table: self.table.name.clone(), stem: Some(stem), format })
    }

    /// What people call a row.
    fn words(&self, stored: &Stored) -> String {
        let text = |name: &str| {
            let value = &stored.cells.get(name)?.value;
            value.as_str().map(str::to_owned).or_else(|| value.as_i64().map(|n| n.to_string()))
        };
        if let (Some(page), Some(version)) = (text("page_name"), text("version")) {
            return format!("{page}-v{version}");
        }
        let texts = self.table.columns.iter().filter(|column| column.is_text && !column.is_array);
        let first = || texts.clone().find_map(|column| text(&column.name));
        text("slug").or_else(first).unwrap_or_else(|| stored.key.clone())
    }

    /// The file that takes rows which have no file of their own.
    fn list(&mut self) -> &mut Draft {
        let is_list =
            |file: &Draft, format| file.place.stem.is_none() && file.place.format == format;
        let position = |format| self.files.iter().position(|file| is_list(file, format));
        let position = position(Format::Toml).or_else(|| position(Format::Json));
        let index = position.unwrap_or_else(|| {
            let table = self.table.name.clone();
            let name = format!("{table}.toml");
            let place =
                Place { path: name.clone().into(), name, table, stem: None, format: Format::Toml };
            self.files.push(Draft { place, original: None, entries: Vec::new(), text: None });
            self.files.len() - 1
        });
        &mut self.files[index]
    }
}
