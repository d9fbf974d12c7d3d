//! `embed`: the vector of a row's texts, made anew when they change.

use serde_json::Value;

use super::job::{Job, Subject};
use super::{Asked, TaskType};
use crate::enrich::{Provenance, Write};

pub struct Embed;

impl TaskType for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String> {
        let text = subject.lines(&job.from, None);
        if text.trim().is_empty() {
            return Err("the row says nothing".to_owned());
        }
        Ok(Asked::Embedding { text })
    }

    /// What is written of a vector is the same for all rows.
    fn writes(
        &self,
        _: &Job,
        _: &Subject,
        _: &Value,
        _: &Provenance,
    ) -> Result<Vec<Write>, String> {
        Ok(Vec::new())
    }

    /// Asked of the stored hash instead.
    fn is_wanted(&self, _: &Job, _: &Subject) -> bool {
        true
    }
}
