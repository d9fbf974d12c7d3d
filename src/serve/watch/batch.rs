//! What changed, sorted by what it is.

use std::time::Instant;

use crate::config::FILE_NAME;

/// What changed, by what it is; files are named below their folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    pub config: bool,
    pub migrations: bool,
    pub templates: Vec<String>,
    pub statics: Vec<String>,
    pub content: Vec<String>,
    /// When the last of them was finished.
    pub since: Option<Instant>,
}

impl Batch {
    pub fn is_empty(&self) -> bool {
        let Self { config, migrations, templates, statics, content, .. } = self;
        !config && !migrations && templates.is_empty() && statics.is_empty() && content.is_empty()
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        self.config |= other.config;
        self.migrations |= other.migrations;
        for (ours, theirs) in [
            (&mut self.templates, other.templates),
            (&mut self.statics, other.statics),
            (&mut self.content, other.content),
        ] {
            ours.extend(theirs);
        }
        self.tidy();
    }

    /// Each file once, in order.
    pub(super) fn tidy(&mut self) {
        for files in [&mut self.templates, &mut self.statics, &mut self.content] {
            files.sort();
            files.dedup();
        }
    }

    /// As people are told of it.
    pub fn label(&self) -> String {
        let mut names = Vec::new();
        names.extend(self.config.then(|| FILE_NAME.to_owned()));
        names.extend(self.migrations.then(|| "migrations".to_owned()));
        for (folder, files) in
            [("templates", &self.templates), ("static", &self.statics), ("content", &self.content)]
        {
            names.extend(files.iter().map(|file| format!("{folder}/{file}")));
        }
        match names.as_slice() {
            [first, second, rest @ ..] if rest.len() > 1 => {
                format!("{first}, {second} and {} more", rest.len())
            }
            names => names.join(", "),
        }
    }
}
