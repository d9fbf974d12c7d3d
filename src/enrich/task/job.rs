//! What a task is about: the job of the configuration that it belongs to, and the row.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{by_name, find, payload};
use crate::config::{Config, From as Rows, TaskSettings};
use crate::db;
use crate::enrich::{
    Claimed, Failure, FailureKind, Provenance, SharedConnection, Write, json as sent,
};

/// A job with what the configuration and the task say of it.
#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    pub kind: String,
    pub collection: String,
    /// As the configuration names it: `name` or `schema.name`.
    pub table: String,
    pub column: Option<String>,
    /// Columns to learn from; all short ones where none is named.
    pub from: Vec<String>,
    /// Columns with images.
    pub images: Vec<String>,
    /// The folder that paths of images start from.
    pub content: PathBuf,
    pub is_private: bool,
    pub provider: Option<String>,
    pub model: Option<String>,
    /// Write even where somebody has put a value.
    pub overwrite: bool,
}

impl Job {
    /// The job that the payload names, or the only one of the task's type and target.
    pub fn of(config: &Config, task: &Claimed) -> Result<Self, String> {
        if let Some(kind) = by_name(&task.task_type) {
            payload::check(kind, &task.payload)?;
        }
        let (kind, target) = (&task.task_type, task.target.as_deref());
        let mut job = Self::choose(config, kind, &task.payload, target)?;
        job.is_private |= task.is_private;
        job.overwrite = task.payload.get("overwrite") == Some(&Value::Bool(true));
        Ok(job)
    }

    pub fn choose(
        config: &Config,
        kind: &str,
        payload: &Value,
        target: Option<&str>,
    ) -> Result<Self, String> {
        let named = payload.get("job").and_then(Value::as_str);
        let jobs = config.enrich.tasks.iter().filter(|(name, settings)| {
            settings.kind == kind && named.is_none_or(|named| named == *name)
        });
        let jobs = jobs.map(|(name, settings)| Self::from_settings(config, name, settings));
        let mut jobs = jobs.collect::<Result<Vec<_>, _>>()?;
        if jobs.len() > 1 {
            let first = jobs[0].name.clone();
            jobs.retain(|job| target.is_some_and(|target| job.is_about(target)));
            if jobs.len() != 1 {
                return Err(format!(
                    "frieze.toml has several jobs of the type {kind}: name one in the payload, as in {{\"job\": \"{first}\"}}"
                ));
            }
        }
        jobs.pop().ok_or_else(|| match named {
            Some(named) => {
                format!("frieze.toml has no job \"{named}\" of the type {kind}")
            }
            None => format!("frieze.toml has no job for it: add [enrich.tasks.{kind}]"),
        })
    }

    pub fn from_settings(
        config: &Config,
        name: &str,
        settings: &TaskSettings,
    ) -> Result<Self, String> {
        let key = format!("frieze.toml: enrich.tasks.{name}");
        let kind = find(&settings.kind).map_err(|why| format!("{key}: {why}"))?;
        let mut job = Self {
            name: name.to_owned(),
            kind: settings.kind.clone(),
            collection: String::new(),
            table: String::new(),
            column: settings.column.clone(),
            from: settings.from.clone(),
            images: Vec::new(),
            content: config.build.content.clone(),
            is_private: settings.private,
            provider: settings.provider.clone(),
            model: settings.model.clone(),
            overwrite: false,
        };
        // What a run did is in no collection.
        if kind.scope() == Scope::Run {
            job.collection = settings.collection.clone().unwrap_or_else(|| job.kind.clone());
            return Ok(job);
        }
        let collection =
            settings.collection.clone().ok_or_else(|| format!("{key} names no collection"))?;
        let Some(of) = config.collections.get(&collection) else {
            return Err(format!("{key}: there is no collection \"{collection}\""));
        };
        let Rows::Table(table) = &of.from else {
            return Err(format!(
                "{key}: the collection \"{collection}\" is a query, and no table to write to"
            ));
        };
        job.table.clone_from(table);
        job.images.clone_from(&of.images);
        job.collection = collection;
        Ok(job)
    }

    /// What a task of this job on a row is about.
    pub fn target(&self, id: &str) -> String {
        match &self.column {
            Some(column) => format!("{}.{column}/{id}", self.collection),
            None => format!("{}/{id}", self.collection),
        }
    }

    /// Whether a target is of this job: the collection alone will do.
    pub fn is_about(&self, target: &str) -> bool {
        let place = target.split_once('/').map_or(target, |(place, _)| place);
        let column = place.strip_prefix(&*self.collection);
        column.is_some_and(|column| {
            column.is_empty() || column.strip_prefix('.') == self.column.as_deref()
        })
    }

    /// A value for a column of the row.
    pub fn field(&self, subject: &Subject, column: &str, value: Value, by: &Provenance) -> Write {
        Write::Field {
            table: self.table.clone(),
            key: subject.key(),
            column: column.to_owned(),
            value,
            overwrite: self.overwrite,
            by: by.clone(),
        }
    }

    /// The column that this job fills, where it must have one.
    pub fn column(&self) -> Result<&str, String> {
        self.column
            .as_deref()
            .ok_or_else(|| format!("frieze.toml: enrich.tasks.{} names no column", self.name))
    }
}

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

fn words(column: &str, value: &Value) -> usize {
    match value {
        Value::String(text) => {
            let text = text.trim();
            // One word with a slash or a full stop in it is a link, a path or a file.
            let is_name = !text.contains(char::is_whitespace) && text.contains(['/', '.', '@']);
            if column == "slug" || is_name { 0 } else { counted(text) }
        }
        Value::Array(items) => items.iter().map(|item| words(column, item)).sum(),
        Value::Object(fields) => fields.values().map(|item| words(column, item)).sum(),
        _ => 0,
    }
}

fn counted(text: &str) -> usize {
    let words = text.split_whitespace();
    words.filter(|word| word.chars().any(char::is_alphabetic)).map(script).sum()
}

/// Some scripts put no space between words.
fn script(word: &str) -> usize {
    let dense =
        word.chars().filter(|c| matches!(*c, '\u{0e00}'..='\u{0eff}' | '\u{3040}'..='\u{9fff}'));
    dense.count().div_ceil(2).max(1)
}

fn is_bookkeeping(column: &str) -> bool {
    matches!(column, "id" | "created_at" | "updated_at") || column.ends_with("_order")
}
