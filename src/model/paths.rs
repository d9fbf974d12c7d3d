//! Paths of the site: every one is used once, and none differs from another only by case or form.

use std::collections::HashMap;

use super::problems::{Fault, Problem};
use super::slug;
use crate::error::{Error, Result};

/// The paths taken so far, each with what took it.
#[derive(Debug, Default)]
pub struct Paths {
    taken: HashMap<String, (String, String)>,
    /// Where all problems are to be found rather than the first.
    found: Option<Vec<Problem>>,
}

impl Paths {
    /// Gathers problems instead of stopping at the first.
    pub fn gathering() -> Self {
        Self { taken: HashMap::new(), found: Some(Vec::new()) }
    }

    pub fn is_gathering(&self) -> bool {
        self.found.is_some()
    }

    pub fn problems(self) -> Vec<Problem> {
        self.found.unwrap_or_default()
    }

    /// Takes a path for `owner`; the error names both owners.
    pub fn take(&mut self, path: &str, owner: impl FnOnce() -> String) -> Result<()> {
        match self.taken.entry(slug::folded(path)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((path.to_owned(), owner()));
                Ok(())
            }
            std::collections::hash_map::Entry::Occupied(taken) => {
                let (other_path, other) = taken.get();
                let same = if other_path == path { "" } else { ", but for case or Unicode form" };
                let error = Error::content(format!(
                    "{} and {other} have the same path {path}{same}",
                    owner()
                ))
                .help("change the slug of one of them");
                self.refuse(Fault::Path, path, error)
            }
        }
    }

    /// Stops at a problem, unless all of them are wanted.
    pub fn refuse(&mut self, fault: Fault, subject: &str, error: Error) -> Result<()> {
        let Some(found) = &mut self.found else { return Err(error) };
        found.push(Problem { fault, subject: subject.to_owned(), error });
        Ok(())
    }
}
