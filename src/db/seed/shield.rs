//! What models wrote, where content has nothing to say: it stays. Where a person says something,
//! theirs stands, and no model's line is about it any more.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::catalog::Table;
use super::refusal::failed;
use super::work::{Fate, Work};
use super::{marks, statement};
use crate::db::enriched::{self, Standing};
use crate::error::Result;

const DOING: &str = "noting what models wrote";

impl Work<'_> {
    /// Finds out which fields are models', and takes them out of what is written.
    pub async fn shield(&mut self, conn: &mut PgConnection) -> Result<()> {
        let standing = self.standing(conn, None).await?;
        self.take_out(&standing);
        Ok(())
    }

    /// The same of a few of the table's rows; whether lines name rows by their `id` is known.
    pub async fn shield_few(&mut self, conn: &mut PgConnection, by_id: bool) -> Result<()> {
        let found = self.rows.iter().filter_map(|row| row.found.as_ref());
        let keys: Vec<&str> = found.map(|found| found.key.as_str()).collect();
        let standing = if by_id && self.table.primary_key() == ["id"] {
            let Table { name, sql, .. } = self.table;
            let mut standing: HashMap<String, Vec<Standing>> = HashMap::new();
            for line in enriched::standing_by_id(conn, name, sql, &keys).await? {
                standing.entry(line.key_text.clone()).or_default().push(line);
            }
            standing
        } else {
            self.standing(conn, Some(&keys)).await?
        };
        self.take_out(&standing);
        Ok(())
    }

    fn take_out(&mut self, standing: &HashMap<String, Vec<Standing>>) {
        self.report.enriched = 0;
        self.adopted.clear();
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.known.held.clear();
            let Some(lines) = row.found.as_ref().and_then(|found| standing.get(&found.key)) else {
                continue;
            };
            for line in lines {
                if row.known.row.is_own(&line.column) {
                    self.adopted.push((index, line.id));
                    continue;
                }
                self.report.enriched += 1;
                // What tells the row from others has to be said.
                if !row.known.by.contains(&line.column) {
                    row.known.held.push(line.column.clone());
                }
                row.noted.insert(line.column.clone());
            }
        }
    }

    /// What stands in the table, by the keys under which rows are recorded.
    async fn standing(
        &self,
        conn: &mut PgConnection,
        only: Option<&[&str]>,
    ) -> Result<HashMap<String, Vec<Standing>>> {
        let mut standing: HashMap<String, Vec<Standing>> = HashMap::new();
        let keys: BTreeSet<String> =
            self.rows.iter().map(|row| statement::key_object(self.table, row.known.by)).collect();
        for key in keys {
            let Table { name, sql, .. } = self.table;
            for line in enriched::standing(conn, name, sql, Some(&key), only).await? {
                // Postgres writes both keys in the same way.
                standing.entry(line.key_text.clone()).or_default().push(line);
            }
        }
        Ok(standing)
    }

    /// Ends the lines of what persons say now, and writes down what files say models wrote; whether
    /// there was any such thing.
    pub async fn note(&self, conn: &mut PgConnection) -> Result<bool> {
        let is_kept = |index: usize| self.rows[index].fate == Fate::Kept;
        let ids: Vec<Uuid> =
            self.adopted.iter().filter(|(index, _)| !is_kept(*index)).map(|(_, id)| *id).collect();
        enriched::close(conn, &ids).await?;
        let mut lines: BTreeMap<Vec<String>, Vec<Value>> = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !matches!(row.fate, Fate::Kept | Fate::Done)) {
            let Some(found) = &row.found else { continue };
            for (name, mark) in row.known.row.marked() {
                if mark.columns(name).iter().any(|column| row.noted.contains(column)) {
                    continue;
                }
                let key: Value = serde_json::from_str(&found.key).unwrap_or_default();
                let by = key.as_object().map(|key| key.keys().cloned().collect());
                lines.entry(by.unwrap_or_default()).or_default().push(json!({
                    "key": key, "name": name, "columns": mark.columns(name), "model": mark.model,
                    "provider": mark.provider, "task": mark.task, "at": mark.at,
                }));
            }
        }
        let is_any = !ids.is_empty() || !lines.is_empty();
        for (by, lines) in lines {
            let note = AssertSqlSafe(self.note_sql(&by));
            let note = sqlx::query(note).bind(&self.table.name).bind(Value::Array(lines));
            let note = note.bind(marks::WHOLE).persistent(false);
            note.execute(&mut *conn).await.map_err(|error| failed(DOING, error))?;
        }
        Ok(is_any)
    }

    /// Tasks name rows by their `id`, so that is what a line is to name, where there is one.
    fn note_sql(&self, by: &[String]) -> String {
        let table = self.table;
        let key = match table.column("id") {
            Some(_) => "jsonb_build_object('id', t.id)",
            None => "m.key",
        };
        format!(
            "insert into public.enrichments as e (table_name, row_key, column_name, value, former, \
             task_type, run_id, provider, model, created_at) \
             select $1, {key}, m.name, case when m.name = $3 then ( \
                 select jsonb_object_agg(column_name, to_jsonb(t) -> column_name) \
                 from jsonb_array_elements_text(m.columns) as column_name) \
               else coalesce(to_jsonb(t) -> m.name, 'null') end, 'null', \
               m.task, '{nil}', m.provider, m.model, m.at \
             from jsonb_to_recordset($2::jsonb) as m(key jsonb, name text, columns jsonb, model text, \
               provider text, task text, at timestamptz) \
             cross join lateral jsonb_populate_record(null::{table}, m.key) as r \
             join {table} as t on {same} \
             on conflict (table_name, row_key, column_name) where reverted_at is null do update \
             set value = excluded.value, former = excluded.former, task_type = excluded.task_type, \
               run_id = excluded.run_id, provider = excluded.provider, model = excluded.model, \
               task_id = null, prompt_hash = null, created_at = excluded.created_at",
            nil = Uuid::nil(),
            same = statement::same(table, by),
            table = table.sql,
        )
    }
}
