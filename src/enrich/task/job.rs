//! What a task is about: the job of the configuration that it belongs to, and the row.

use serde_json::{Map, Value};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::config::{Config, From as Rows, TaskSettings};
use crate::db;
use crate::enrich::{Claimed, Failure, FailureKind, Provenance, SharedConnection, Write};

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
    pub is_private: bool,
    pub provider: Option<String>,
    pub model: Option<String>,
    /// Write even where somebody has put a value.
    pub overwrite: bool,
}

impl Job {
    /// The job that the payload names, or the only one of the task's type.
    pub fn of(config: &Config, task: &Claimed) -> Result<Self, String> {
        let named = task.payload.get("job").and_then(Value::as_str);
        let mut jobs = config.enrich.tasks.iter().filter(|(name, settings)| {
            settings.kind == task.task_type && named.is_none_or(|named| named == *name)
        });
        let (name, settings) = jobs.next().ok_or_else(|| {
            format!("frieze.toml has no job for it: add [enrich.tasks.{}]", task.task_type)
        })?;
        if named.is_none() && jobs.next().is_some() {
            return Err(format!(
                "frieze.toml has several jobs of the type {}: name one in the payload, as in {{\"job\": \"{name}\"}}",
                task.task_type
            ));
        }
        let mut job = Self::from_settings(config, name, settings)?;
        job.is_private |= task.is_private;
        job.overwrite = task.payload.get("overwrite") == Some(&Value::Bool(true));
        Ok(job)
    }

    pub fn from_settings(
        config: &Config,
        name: &str,
        settings: &TaskSettings,
    ) -> Result<Self, String> {
        let key = format!("frieze.toml: enrich.tasks.{name}");
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
        Ok(Self {
            name: name.to_owned(),
            kind: settings.kind.clone(),
            table: table.clone(),
            column: settings.column.clone(),
            from: settings.from.clone(),
            images: of.images.clone(),
            is_private: settings.private,
            provider: settings.provider.clone(),
            model: settings.model.clone(),
            overwrite: false,
            collection,
        })
    }

    /// What a task of this job on a row is about.
    pub fn target(&self, subject: &Subject) -> String {
        match &self.column {
            Some(column) => format!("{}.{column}/{}", self.collection, subject.id),
            None => format!("{}/{}", self.collection, subject.id),
        }
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
            Scope::Names => Self::names(connection, job).await,
            Scope::Run => Self::run(connection, run, job.is_private).await,
        }
    }

    /// Names in the columns that the job learns from, as `collection.column`.
    async fn names(connection: &SharedConnection, job: &Job) -> Result<Self, Failure> {
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
        let sql = format!(
            "with named as ({}), known as (select {column}::text as name from {table})
             select jsonb_build_object(
                'known', (select coalesce(jsonb_agg(name order by name), '[]') from known),
                'lacking', (select coalesce(jsonb_agg(name order by name), '[]') from (
                    select min(name) as name from named where trim(name) <> '' and lower(name) not in
                        (select lower(name) from known) group by lower(name) order by 1 limit 40) as lacking),
                'categories', (select coalesce(jsonb_agg(distinct c.value), '[]') from {table} t,
                    jsonb_each_text(to_jsonb(t)) c where c.key = 'category'))",
            named.join(" union all ")
        );
        let fields =
            fetch(connection, sql, None, &format!("comparing names with {}", job.table)).await?;
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
            from public.agent_run_logs where session_id = $1::uuid and task_type <> 'reflect'
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
        let id = match task.payload.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => {
                let target = task.target.as_deref().and_then(|target| target.rsplit_once('/'));
                target.map(|(_, id)| id.to_owned()).ok_or_else(|| {
                    last(
                        "neither the payload nor the target says which row: write {\"id\": \"…\"}"
                            .to_owned(),
                    )
                })?
            }
        };
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
        let mut lines = String::new();
        for (name, value) in &self.fields {
            let is_chosen =
                if columns.is_empty() { !is_bookkeeping(name) } else { columns.contains(name) };
            if !is_chosen || value.is_null() || except == Some(name.as_str()) {
                continue;
            }
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let short: String = text.chars().take(LONGEST).collect();
            lines.push_str(&format!("{name}: {short}\n"));
        }
        lines
    }

    pub fn key(&self) -> Map<String, Value> {
        let id = self.fields.get("id").cloned().unwrap_or_default();
        Map::from_iter([("id".to_owned(), id)])
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
    let row: Option<Value> = query.fetch_optional(&mut *connection).await.map_err(|error| {
        let error = db::explain_owner(error, doing);
        Failure::new(FailureKind::Retry, error.chain().join(": "))
    })?;
    Ok(row.and_then(|row| match row {
        Value::Object(fields) => Some(fields),
        _ => None,
    }))
}

/// Characters of one column that a prompt holds.
const LONGEST: usize = 4_000;

fn is_bookkeeping(column: &str) -> bool {
    matches!(column, "id" | "created_at" | "updated_at") || column.ends_with("_order")
}
