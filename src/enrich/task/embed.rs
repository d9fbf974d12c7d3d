//! `embed`: the vector of a row's texts, made anew when they change.

use serde_json::Value;

use super::{Asked, TaskType};
use super::{Job, Subject};
use crate::enrich::{Provenance, Write};

/// Characters of one column that a vector is made of.
const LONGEST: usize = 16_000;

pub struct Embed;

impl TaskType for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String> {
        let text = subject.lines_of(&job.from, None, LONGEST);
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

    /// Whether there is anything to embed; whether it changed is asked of the stored hash.
    fn is_wanted(&self, job: &Job, subject: &Subject) -> bool {
        !subject.lines(&job.from, None).trim().is_empty()
    }
}
