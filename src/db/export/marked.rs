//! Values that models wrote are marked in the files, so that a person sees it and a later seed
//! knows.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::PgConnection;

use super::sheet::{Form, Sheet};
use super::stored::{Cell, Stored};
use crate::db::enriched::{self, Standing};
use crate::db::seed::marks::{self, Marks};
use crate::db::seed::statement::key_object;
use crate::error::Result;

impl Sheet<'_> {
    /// Puts the marks among the cells of rows, and where files have others, among what changes.
    pub async fn mark(&mut self, conn: &mut PgConnection) -> Result<()> {
        let standing = self.standing(conn).await?;
        let marks: Vec<Marks> = self.stored.iter().map(|row| marks_of(row, &standing)).collect();
        self.enriched = marks.iter().map(Marks::len).sum();
        for (row, marks) in self.stored.iter_mut().zip(&marks) {
            if !marks.is_empty() {
                row.cells.insert(marks::NAME.to_owned(), cell(marks));
            }
        }
        for entry in self.files.iter_mut().flat_map(|file| &mut file.entries) {
            let Some(index) = entry.stored.filter(|_| entry.edit.is_none()) else { continue };
            if entry.marks == marks[index] {
                continue;
            }
            let form = if marks[index].is_empty() { Form::Absent } else { Form::Custom };
            self.stored[index].cells.entry(marks::NAME.to_owned()).or_insert_with(nothing);
            entry.changes.insert(marks::NAME.to_owned(), form);
        }
        Ok(())
    }

    async fn standing(&self, conn: &mut PgConnection) -> Result<HashMap<String, Vec<Standing>>> {
        let mut standing: HashMap<String, Vec<Standing>> = HashMap::new();
        if !self.site.has_lines {
            return Ok(standing);
        }
        let table = self.table;
        let by = table.keys.first().map_or(&[][..], |key| key.columns.as_slice());
        let key = key_object(table, by);
        for line in enriched::standing(conn, &table.name, &table.sql, Some(&key), None).await? {
            standing.entry(line.key_text.clone()).or_default().push(line);
        }
        Ok(standing)
    }
}

fn marks_of(row: &Stored, standing: &HashMap<String, Vec<Standing>>) -> Marks {
    let standing: Vec<&Standing> = standing.get(&row.key).into_iter().flatten().collect();
    marks::of(&standing, |column| row.cells.get(column).map(|cell| &cell.value))
}

fn cell(marks: &Marks) -> Cell {
    let value = marks::to_value(marks);
    Cell { text: Some(value.to_string()), value, is_json: true }
}

/// Where a mark is to go.
fn nothing() -> Cell {
    Cell { value: Value::Null, text: None, is_json: true }
}
