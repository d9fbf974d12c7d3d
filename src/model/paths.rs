//! Paths of the site: every one is used once, and none differs from another only by case or form.

use std::collections::HashMap;

use super::slug;
use crate::error::{Error, Result};

/// The paths taken so far, each with what took it.
#[derive(Debug, Default)]
pub struct Paths(HashMap<String, (String, String)>);

impl Paths {
    /// Takes a path for `owner`; the error names both owners.
    pub fn take(&mut self, path: &str, owner: impl FnOnce() -> String) -> Result<()> {
        match self.0.entry(slug::folded(path)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((path.to_owned(), owner()));
                Ok(())
            }
            std::collections::hash_map::Entry::Occupied(taken) => {
                let (other_path, other) = taken.get();
                let same = if other_path == path { "" } else { ", but for case or Unicode form" };
                Err(Error::content(format!(
                    "{} and {other} have the same path {path}{same}",
                    owner()
                ))
                .help("change the slug of one of them"))
            }
        }
    }
}
