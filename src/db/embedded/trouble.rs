//! What can go wrong with an embedded server, and what to do about it.

use super::cache;
use super::folder::Folder;
use crate::error::Error;

#[derive(Debug)]
pub enum Trouble {
    /// It says why it does not start.
    Failed(String),
    /// It neither starts nor says why.
    Silent,
    /// It answered once, and is not there any more.
    Gone(String),
    /// It serves somebody else.
    Busy,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(answer) => Self::Failed(answer.message().to_owned()),
            error => Self::Gone(error.to_string()),
        }
    }
}

impl Trouble {
    pub fn explain(self, folder: &Folder) -> Error {
        let dir = folder.dir.display();
        match self {
            Self::Failed(why) if why.contains("already in use") => folder.in_use(),
            Self::Failed(why) if why.contains("os error 28") => {
                Error::output(format!("the disk is full: the embedded database in {dir} cannot start"))
            }
            Self::Failed(why) | Self::Gone(why) => {
                does_not_start(folder).because(Error::database(first_lines(&why)))
            }
            Self::Silent => does_not_start(folder)
                .because(Error::database("it does not answer".to_owned())),
            Self::Busy => Error::database(format!(
                "the embedded database in {dir} serves one connection at a time, and another is still open"
            ))
            .help("close the first connection, or name a server in DATABASE_URL"),
        }
    }
}

/// The data is to blame, unless it was only just made: then it is what it is made from.
fn does_not_start(folder: &Folder) -> Error {
    let dir = folder.dir.display();
    let error = Error::database(format!("the embedded database in {dir} does not start"));
    match cache::dir().filter(|_| !folder.was_used()) {
        Some(cache) => error.help(format!(
            "delete {} and {dir}: the next build unpacks the database's program again",
            cache.display()
        )),
        None => error.help(format!(
            "its files seem damaged: run `frieze db reset`, or delete {dir}; the next build makes it anew from content/"
        )),
    }
}

/// Enough of a long answer, without the server's own dump.
fn first_lines(why: &str) -> String {
    let lines: Vec<_> = why
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("WASIX stderr tail"))
        .take(3)
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_is_cut_to_what_matters() {
        let why =
            "could not start\n\nWASIX stderr tail:\n  PANIC: bad checkpoint\nAborted\nmore\nmore";
        assert_eq!(first_lines(why), "could not start\nPANIC: bad checkpoint\nAborted");
    }
}
