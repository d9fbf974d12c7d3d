//! `alt_text`: what an image shows, for those who do not see it.

use serde_json::{Value, json};

use super::{Asked, TaskType, picture, text};
use super::{Job, Subject};
use crate::enrich::{Provenance, Write};

const LEAST: usize = 5;
const MOST: usize = 140;

const SEE: &str = "If an image is attached, say what it shows, and let the file name and the texts \
                   beside it tell you what matters of it. If you see none, invent nothing: say what \
                   those tell of it.";
const GUESS: &str = "You cannot see it, so invent nothing: say what its file name and what stands beside \
                     it tell of it.";

pub struct AltText;

impl AltText {
    fn image<'a>(job: &Job, subject: &'a Subject) -> Option<&'a str> {
        let image = job.images.iter().find_map(|column| subject.text(column));
        image.filter(|image| !image.trim().is_empty())
    }
}

impl TaskType for AltText {
    fn name(&self) -> &'static str {
        "alt_text"
    }

    fn question(&self, job: &Job, subject: &Subject) -> Result<Asked, String> {
        let column = job.column()?;
        let image = Self::image(job, subject).ok_or("the row has no image")?;
        let images: Vec<_> = picture::load(&job.content, image).into_iter().collect();
        let what = if images.is_empty() { GUESS } else { SEE };
        Ok(Asked::Chat {
            system: format!(
                "You write the alternative text of an image on a website, for people who cannot see it: \
                 one phrase of at most 140 characters. {what} Use the language of what stands beside it. \
                 Do not begin with \"image of\". No markup."
            ),
            user: format!("file name: {image}\n{}", subject.lines(&job.from, Some(column))),
            schema: json!({
                "type": "object",
                "properties": {"alt": {"type": "string", "minLength": LEAST, "maxLength": MOST}},
                "required": ["alt"],
                "additionalProperties": false
            }),
            max_tokens: 400,
            images,
        })
    }

    fn writes(
        &self,
        job: &Job,
        subject: &Subject,
        answer: &Value,
        by: &Provenance,
    ) -> Result<Vec<Write>, String> {
        let written = answer["alt"].as_str().unwrap_or_default();
        let value = text::within(text::line(written), LEAST, MOST)?;
        Ok(vec![job.field(subject, job.column()?, value.into(), by)])
    }

    fn hash(&self, job: &Job, subject: &Subject) -> String {
        let image = Self::image(job, subject).unwrap_or_default();
        let lines = subject.lines(&job.from, job.column.as_deref());
        blake3::hash(format!("{image}\n{lines}").as_bytes()).to_hex().to_string()
    }

    fn is_wanted(&self, job: &Job, subject: &Subject) -> bool {
        Self::image(job, subject).is_some()
            && job.column.as_ref().is_some_and(|column| subject.is_empty(column))
    }
}
