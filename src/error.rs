//! Errors as people meet them: what went wrong, where, what to do, and an exit code to branch on.

use std::error::Error as StdError;
use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong. Decides the exit code, which scripts may branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Anything without a code of its own.
    Other,
    /// `frieze.toml`, the environment, or a command line that contradicts them.
    Config,
    /// Connecting, permissions, queries, migrations.
    Database,
    /// Rows, content files, layouts, slugs: what the site's owner edits.
    Content,
    /// Templates, section manifests, assets: what the site's designer edits.
    Template,
    /// Reading or writing files, the output folder, locks.
    Output,
    /// Somebody stopped it, with this signal.
    Stopped(u8),
}

impl Kind {
    /// The process exit code. `2` is the command line parser's own.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Other => 1,
            Self::Config => 3,
            Self::Database => 4,
            Self::Content => 5,
            Self::Template => 6,
            Self::Output => 7,
            // As shells count them.
            Self::Stopped(signal) => 128 + signal,
        }
    }

    /// The name used in `--json` output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Config => "config",
            Self::Database => "database",
            Self::Content => "content",
            Self::Template => "template",
            Self::Output => "output",
            Self::Stopped(_) => "stopped",
        }
    }
}

/// An error with its kind, a message that says what and where, an optional remedy and its cause.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    message: String,
    help: Option<String>,
    absence: Option<Absence>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The database is not there, rather than refusing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// For a moment, perhaps: another attempt may succeed.
    Passing,
    /// Until somebody does something about it.
    Lasting,
}

impl Error {
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            help: None,
            absence: None,
            source: None,
        }))
    }

    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Kind::Other, message)
    }

    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    pub fn database(message: impl Into<String>) -> Self {
        Self::new(Kind::Database, message)
    }

    pub fn content(message: impl Into<String>) -> Self {
        Self::new(Kind::Content, message)
    }

    pub fn template(message: impl Into<String>) -> Self {
        Self::new(Kind::Template, message)
    }

    pub fn output(message: impl Into<String>) -> Self {
        Self::new(Kind::Output, message)
    }

    /// Adds what the reader can do about it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Says that the database is not there.
    #[must_use]
    pub fn absent(mut self, absence: Absence) -> Self {
        self.0.absence = Some(absence);
        self
    }

    /// Puts an outer message around this error, which becomes the cause; everything else stays.
    #[must_use]
    pub fn context(self, message: impl Into<String>) -> Self {
        let (kind, help, absence) = (self.0.kind, self.0.help.clone(), self.0.absence);
        let mut outer = Self::new(kind, message).because(self);
        (outer.0.help, outer.0.absence) = (help, absence);
        outer
    }

    /// Whether the database is not there, and if so for how long.
    #[must_use]
    pub fn absence(&self) -> Option<Absence> {
        self.0.absence
    }

    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    #[must_use]
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The message followed by every cause, outermost first.
    #[must_use]
    pub fn chain(&self) -> Vec<String> {
        let mut messages = vec![self.0.message.clone()];
        let mut source = StdError::source(self);
        while let Some(cause) = source {
            messages.push(cause.to_string());
            source = cause.source();
        }
        // Libraries like to repeat their cause in their own message: say each thing once.
        messages.dedup_by(|inner, outer| outer.contains(inner.as_str()));
        messages
    }

    /// The whole error as people read it on a terminal.
    #[must_use]
    pub fn report(&self) -> String {
        let chain = self.chain();
        let mut report = format!("error: {}", chain[0]);
        for cause in &chain[1..] {
            report.push_str("\n  because: ");
            report.push_str(&cause.replace('\n', "\n    "));
        }
        if let Some(help) = self.help_text() {
            report.push_str("\n  help: ");
            report.push_str(&help.replace('\n', "\n    "));
        }
        report
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.report())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

/// The known name nearest to `name`, if it is near enough to be what was meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (strsim::normalized_damerau_levenshtein(name, candidate), candidate))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_message_causes_and_remedy() {
        let cause = std::io::Error::other("disk on fire");
        let error = Error::output("cannot write dist").because(cause).help("buy a new disk");
        assert_eq!(
            error.report(),
            "error: cannot write dist\n  because: disk on fire\n  help: buy a new disk"
        );
    }

    #[test]
    fn context_keeps_kind_and_remedy() {
        let error = Error::content("bad slug").help("rename it").context("page about");
        assert_eq!(error.kind(), Kind::Content);
        assert_eq!(error.chain(), ["page about", "bad slug"]);
        assert_eq!(error.help_text(), Some("rename it"));
    }

    #[test]
    fn nearest_suggests_only_what_is_near() {
        assert_eq!(nearest("projcts", ["hero", "projects"]), Some("projects"));
        assert_eq!(nearest("zzz", ["hero", "projects"]), None);
    }
}
