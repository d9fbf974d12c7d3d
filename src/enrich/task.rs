//! STUB, replaced when branches meet: which task types there are, and who performs them.

use std::time::Instant;

use uuid::Uuid;

use super::{Claimed, Effect, Failure, FailureKind, Perform, SharedConnection};
use crate::config::Config;
use crate::error::{Result, nearest};

const KNOWN: &[&str] =
    &["generate_project_description", "update_skills", "seo_meta", "alt_text", "embed", "reflect"];

pub fn known() -> &'static [&'static str] {
    KNOWN
}

/// What is wrong with a type's name, if anything.
pub fn unknown(name: &str) -> Option<String> {
    if KNOWN.contains(&name) {
        return None;
    }
    let near = nearest(name, KNOWN.iter().copied());
    let near = near.map_or_else(String::new, |near| format!(": did you mean \"{near}\"?"));
    Some(format!("there is no task type \"{name}\"{near}"))
}

#[derive(Debug)]
pub struct Tasks;

impl Tasks {
    pub fn new(_config: &Config, _connection: SharedConnection, _run_id: Uuid) -> Result<Self> {
        Ok(Self)
    }

    /// What would be asked, and of whom.
    #[expect(clippy::unused_async, reason = "the real one reads the database")]
    pub async fn preview(&self, task: &Claimed) -> String {
        unknown(&task.task_type).unwrap_or_else(|| "not built yet".to_owned())
    }
}

impl Perform for Tasks {
    async fn perform(&self, task: &Claimed, _deadline: Instant) -> Result<Effect, Failure> {
        let why = unknown(&task.task_type).map_or_else(
            || "not built yet".to_owned(),
            |what| format!("{what}; known are {}", KNOWN.join(", ")),
        );
        Err(Failure::new(FailureKind::Final, why))
    }
}
