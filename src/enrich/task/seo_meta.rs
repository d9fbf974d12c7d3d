//! `seo_meta`: title and description for search engines, as long as those show them.

use serde_json::{Value, json};

use super::describe::too_little;
use super::{Asked, TaskType, text};
use super::{Job, Subject};
use crate::enrich::{Provenance, Write};

/// What search engines show before they cut off.
const TITLE: (usize, usize) = (5, 60);
const DESCRIPTION: (usize, usize) = (50, 160);

pub struct SeoMeta;

impl TaskType for SeoMeta {
    fn name(&self) -> &'static str {
        "seo_meta"
    }

    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String> {
        job.column()?;
        if let Some(why) = too_little(job, subject) {
            return Err(why);
        }
        Ok(Asked::Chat {
            system: "You write what a search engine shows of a page: a title of at most 60 characters, and \
                     a description of 50 to 160 characters that tells what the page is about. Use the \
                     language of what you are given, and only what it says. No markup, no quotation marks."
                .to_owned(),
            user: subject.lines(&job.from, None),
            schema: json!({
                "type": "object",
                "properties": {
                    "title": {"type": "string", "minLength": TITLE.0, "maxLength": TITLE.1},
                    "description": {"type": "string", "minLength": DESCRIPTION.0, "maxLength": DESCRIPTION.1}
                },
                "required": ["title", "description"],
                "additionalProperties": false
            }),
            max_tokens: 400,
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
        let part = |name: &str, (least, most)| {
            let written = answer[name].as_str().unwrap_or_default();
            text::within(text::line(written), least, most).map_err(|why| format!("{name}: {why}"))
        };
        let (title, description) = (part("title", TITLE)?, part("description", DESCRIPTION)?);
        let mut writes = vec![job.field(subject, job.column()?, description.into(), by)];
        if subject.is_empty("meta_title") {
            writes.push(job.field(subject, "meta_title", title.into(), by));
        }
        Ok(writes)
    }

    fn is_wanted(&self, job: &Job, subject: &Subject) -> bool {
        job.column.as_ref().is_some_and(|column| subject.is_empty(column))
            && too_little(job, subject).is_none()
    }
}
