//! `generate_project_description`: a few sentences about a row that has none.

use serde_json::{Value, json};

use super::{Asked, TaskType, text};
use super::{Job, Subject};
use crate::enrich::{Provenance, Write};

const LEAST: usize = 40;
const MOST: usize = 1_200;

/// Words of a row without which a description would be invented.
pub const ENOUGH: usize = 8;

pub struct Describe;

/// Why a row says too little to be described, if it does.
pub fn too_little(job: &Job, subject: &Subject) -> Option<String> {
    let words = subject.words(&job.from, job.column.as_deref());
    (words < ENOUGH).then(|| {
        format!("the row says {words} words, and at least {ENOUGH} are wanted to learn from")
    })
}

impl TaskType for Describe {
    fn name(&self) -> &'static str {
        "generate_project_description"
    }

    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String> {
        let column = job.column()?;
        if let Some(why) = too_little(job, subject) {
            return Err(why);
        }
        Ok(Asked::Chat {
            system: "You write for the owner of a website. Say plainly what the thing is and what is \
                     special about it, in two to four sentences, in the language of what you are given. \
                     Use only what you are told; invent nothing. No markup, no first person, no praise."
                .to_owned(),
            user: subject.lines(&job.from, Some(column)),
            schema: json!({
                "type": "object",
                "properties": {"description": {"type": "string", "minLength": LEAST, "maxLength": MOST}},
                "required": ["description"],
                "additionalProperties": false
            }),
            max_tokens: 600,
            images: Vec::new(),
        })
    }

    fn writes(
        &self,
        job: &Job,
        subject: &Subject,
        answer: &Value,
        by: &Provenance,
    ) -> Result<Vec<Write>, String> {
        let written = answer["description"].as_str().unwrap_or_default();
        let value = text::within(text::plain(written), LEAST, MOST)?;
        Ok(vec![job.field(subject, job.column()?, value.into(), by)])
    }

    fn is_wanted(&self, job: &Job, subject: &Subject) -> bool {
        job.column.as_ref().is_some_and(|column| subject.is_empty(column))
            && too_little(job, subject).is_none()
    }
}
