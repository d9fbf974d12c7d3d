//! The job of the configuration that a task belongs to.

use std::path::PathBuf;

use serde_json::Value;

use super::{Scope, Subject, by_name, find, payload};
use crate::config::{Config, From as Rows, TaskSettings};
use crate::enrich::{Claimed, Provenance, Write};

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
