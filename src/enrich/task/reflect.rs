//! `reflect`: one memory distilled from what a run did.

use serde_json::{Value, json};

use super::{Asked, TaskType, text};
use super::{Job, Scope, Subject};
use crate::enrich::{Provenance, Write};

const LEAST: usize = 20;
const MOST: usize = 600;

pub struct Reflect;

impl TaskType for Reflect {
    fn name(&self) -> &'static str {
        "reflect"
    }

    fn scope(&self) -> Scope {
        Scope::Run
    }

    fn question(&self, _: &Job, subject: &Subject) -> Result<Asked, String> {
        let log = subject.text("log").unwrap_or_default();
        if log.is_empty() {
            return Err("nothing was done that could be learned from".to_owned());
        }
        Ok(Asked::Chat {
            system: "You are shown what was asked and answered while texts of a website were written. \
                     Write one thing worth knowing the next time: about the owner's style, or about what \
                     went wrong. One to three sentences, no markup."
                .to_owned(),
            user: log.to_owned(),
            schema: json!({
                "type": "object",
                "properties": {"lesson": {"type": "string", "minLength": LEAST, "maxLength": MOST}},
                "required": ["lesson"],
                "additionalProperties": false
            }),
            max_tokens: 500,
            images: Vec::new(),
        })
    }

    /// The lesson becomes a memory, and changes no content.
    fn writes(
        &self,
        _: &Job,
        _: &Subject,
        answer: &Value,
        _: &Provenance,
    ) -> Result<Vec<Write>, String> {
        text::within(text::plain(answer["lesson"].as_str().unwrap_or_default()), LEAST, MOST)?;
        Ok(Vec::new())
    }
}
