//! What a task is about: a row, names that a list lacks, or a run.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::Job;
use super::words::words;
use crate::db;
use crate::enrich::{Claimed, Failure, FailureKind, SharedConnection, json as sent};

/// What tasks of a type are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One row of the job's table.
    Row,
    /// Names in columns of other tables that a column of the job's table lacks.
    Names,
    /// What this run asked and was answered.
    Run,
}

/// A row, or what else a task is about.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    pub id: String,
    pub fields: Map<String, Value>,
}

impl Subject {
    pub async fn of(
        scope: Scope,
        connection: &SharedConnection,
        job: &Job,
        task: &Claimed,
        run: Uuid,
    ) -> Result<Self, Failure> {
        match scope {
            Scope::Row => Self::row(connection, job, task).await,
            Scope::Names => {
                let asked = names_of(&task.payload);
                let most = if asked.is_empty() { MOST_LACKING } else { ALL };
                let mut subject = Self::names(connection, job, &[], most).await?;
                subject.choose(MOST_NAMES, |name| asked.is_empty() || asked.contains(name));
                Ok(subject)
            }
            Scope::Run => {
                let told = task.payload.get("run").and_then(Value::as_str);
                let run = told.and_then(|run| run.parse().ok()).unwrap_or(run);
                Self::run(connection, run, job.is_private).await
            }
        }
    }

    /// Names in the columns that the job learns from, as `collection.column`, but
    /// these, in lower case. Postgres may know less of upper and lower case: choose again.
    pub async fn names(
        connection: &SharedConnection,
        job: &Job,
        except: &[String],
        most: usize,
    ) -> Result<Self, Failure> {
        let last = |message: String| Failure::new(FailureKind::Final, message);
        let column = job.column().map_err(last)?;
        let named: Vec<String> = job.from.iter().filter_map(|from| {
            let (table, column) = from.rsplit_once('.')?;
            let column = db::quoted_part(column);
            Some(format!("select jsonb_array_elements_text(case jsonb_typeof(to_jsonb({column})) when 'array' then to_jsonb({column}) else jsonb_build_array({column}) end) as name from {}", db::quoted(table)))
        }).collect();
        if named.is_empty() {
            return Err(last(format!(
                "enrich.tasks.{}.from names no columns, as in [\"projects.technologies\"]",
                job.name
            )));
        }
        let (table, column) = (db::quoted(&job.table), db::quoted_part(column));
        let trimmed = |name: &str| format!("btrim({name}, E' \\t\\n\\r\\f\\u00a0')");
        let sql = format!(
            "with named as ({named}), known as (select {known} as name from {table}),
             lacking as (
                select min(n.name) as name from (select {trim} as name from named) as n
                where n.name <> '' and length(n.name) <= {LONGEST_NAME}
                    and lower(n.name) not in (select lower(w) from jsonb_array_elements_text($1::jsonb) as w)
                    and not exists (select from known as k where lower(k.name) = lower(n.name))
                group by lower(n.name) order by 1 limit {most})
             select jsonb_build_object(
                'known', (select coalesce(jsonb_agg(left(name, {LONGEST_NAME}) order by name), '[]')
                    from (select name from known where name <> '' order by name limit {MOST_KNOWN}) as few),
                'lacking', (select coalesce(jsonb_agg(name order by name), '[]') from lacking),
                'categories', (select coalesce(jsonb_agg(distinct c.value), '[]') from {table} t,
                    jsonb_each_text(to_jsonb(t)) c where c.key = 'category'))",
            named = named.join(" union all "),
            known = trimmed(&format!("{column}::text")),
            trim = trimmed("name"),
        );
        let names = sent::parameter(&except);
        let doing = format!("comparing names with {}", job.table);
        let fields = fetch(connection, sql, Some(&names), &doing).await?;
        Ok(Self { id: "names".to_owned(), fields: fields.unwrap_or_default() })
    }

    /// What the calls of a run asked and were answered, newest first, as much as a prompt holds.
    /// What was private is for those who may know it.
    async fn run(
        connection: &SharedConnection,
        run: Uuid,
        is_private: bool,
    ) -> Result<Self, Failure> {
        let sql = format!(
            "select jsonb_build_object('log', coalesce(string_agg(entry, e'\\n'), '')) from (
            select format('%s: %s -> %s', task_type, left(input->>'user', 300),
                left(coalesce(output::text, error::text), 300)) as entry
            from public.agent_run_logs
            where session_id = $1::uuid and task_type not in ('reflect', 'embed')
                and input ? 'user' and ({is_private} or not is_private)
            order by created_at desc limit 20) as entries"
        );
        let run = run.to_string();
        let fields = fetch(connection, sql, Some(&run), "reading what the run did").await?;
        Ok(Self { id: run, fields: fields.unwrap_or_default() })
    }

    /// The row that a task is about, as its owner sees it.
    async fn row(
        connection: &SharedConnection,
        job: &Job,
        task: &Claimed,
    ) -> Result<Self, Failure> {
        let last = |message: String| Failure::new(FailureKind::Final, message);
        let id = row_id(task).ok_or_else(|| {
            let why = "neither the payload nor the target says which row: write {\"id\": \"…\"}";
            last(why.to_owned())
        })?;
        let sql =
            format!("select to_jsonb(r) from {} r where r.id::text = $1", db::quoted(&job.table));
        let doing = format!("reading a row of {}", job.table);
        match fetch(connection, sql, Some(&id), &doing).await? {
            Some(fields) => Ok(Self { id, fields }),
            None => Err(last(format!("{} has no row with the id {id} any more", job.table))),
        }
    }

    /// A row as the database gives it; none without an id.
    pub fn from_row(row: Value) -> Option<Self> {
        let Value::Object(fields) = row else { return None };
        let id = match fields.get("id")? {
            Value::String(id) => id.clone(),
            id => id.to_string(),
        };
        Some(Self { id, fields })
    }

    pub fn text(&self, column: &str) -> Option<&str> {
        self.fields.get(column).and_then(Value::as_str)
    }

    /// Whether a column that there is holds nothing.
    pub fn is_empty(&self, column: &str) -> bool {
        match self.fields.get(column) {
            Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            _ => false,
        }
    }

    /// What the row says, as lines: these columns, or all that hold no bookkeeping.
    pub fn lines(&self, columns: &[String], except: Option<&str>) -> String {
        self.lines_of(columns, except, LONGEST)
    }

    /// The same with so many characters of each column.
    pub fn lines_of(&self, columns: &[String], except: Option<&str>, longest: usize) -> String {
        let mut lines = String::new();
        for (name, value) in self.told(columns, except) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let short: String = text.chars().take(longest).collect();
            let _ = writeln!(lines, "{name}: {short}");
        }
        lines
    }

    /// How many words there are to learn from: links, paths and numbers are none.
    pub fn words(&self, columns: &[String], except: Option<&str>) -> usize {
        self.told(columns, except).map(|(name, value)| words(name, value)).sum()
    }

    fn told<'a>(
        &'a self,
        columns: &'a [String],
        except: Option<&'a str>,
    ) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.fields.iter().filter(move |(name, value)| {
            let is_chosen =
                if columns.is_empty() { !is_bookkeeping(name) } else { columns.contains(name) };
            is_chosen && !value.is_null() && except != Some(name.as_str())
        })
    }

    /// Keeps the first so many of the names that are lacking, of those that are wanted.
    pub fn choose(&mut self, most: usize, is_wanted: impl Fn(&String) -> bool) {
        if let Some(Value::Array(lacking)) = self.fields.get_mut("lacking") {
            lacking.retain(|name| is_wanted(&name.as_str().unwrap_or_default().to_lowercase()));
            lacking.truncate(most);
        }
    }

    /// The names that are lacking, in lower case.
    pub fn lacking(&self) -> Vec<String> {
        let lacking = self.fields.get("lacking").and_then(Value::as_array);
        let lacking = lacking.into_iter().flatten().filter_map(Value::as_str);
        lacking.map(str::to_lowercase).collect()
    }

    pub fn key(&self) -> Map<String, Value> {
        let id = self.fields.get("id").cloned().unwrap_or_default();
        Map::from_iter([("id".to_owned(), id)])
    }
}

/// The row that a task is about, if it is about one.
pub fn row_id(task: &Claimed) -> Option<String> {
    match task.payload.get("id") {
        Some(Value::String(id)) => Some(id.clone()),
        Some(Value::Number(id)) => Some(id.to_string()),
        _ => {
            let target = task.target.as_deref().and_then(|target| target.split_once('/'));
            target.map(|(_, id)| id.to_owned())
        }
    }
}

/// One object that a statement gives.
async fn fetch(
    connection: &SharedConnection,
    sql: String,
    parameter: Option<&str>,
    doing: &str,
) -> Result<Option<Map<String, Value>>, Failure> {
    let query = sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false);
    let query = match parameter {
        Some(text) => query.bind(text.to_owned()),
        None => query,
    };
    let mut connection = connection.lock().await;
    let row = db::alone!(&mut *connection, query, fetch_optional);
    let row: Option<Value> = row.map_err(|error| {
        let error = db::explain_owner(error, doing);
        Failure::of_database(&error)
    })?;
    Ok(row.and_then(|row| match row {
        Value::Object(fields) => Some(fields),
        _ => None,
    }))
}

/// Characters of one column that a prompt holds.
const LONGEST: usize = 4_000;
/// Names that are asked for at once.
pub const MOST_NAMES: usize = 40;
/// Names that are looked at.
pub const MOST_LACKING: usize = 1_000;
/// The same where those are among them that a task asks about.
const ALL: usize = 100_000;
/// Names that are there, of which a prompt tells.
const MOST_KNOWN: usize = 300;
/// What is longer, in characters, is no name.
const LONGEST_NAME: usize = 100;

/// The names that a payload asks for, in lower case; none stands for all.
fn names_of(payload: &Value) -> Vec<String> {
    let names = payload.get("names").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_lowercase).collect()
}

fn is_bookkeeping(column: &str) -> bool {
    matches!(column, "id" | "created_at" | "updated_at") || column.ends_with("_order")
}
