//! All that is wrong with rows and layouts, where a build would stop at the first.

use super::paths::Paths;
use super::{Manifests, assemble, layout_pages};
use crate::config::Config;
use crate::error::Error;
use crate::source::{LayoutRow, Snapshot};

/// What a problem is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A layout that is not what its sections' manifests ask for.
    Layout,
    /// A value that cannot be part of a path.
    Slug,
    /// A path that something else has.
    Path,
    /// The site has no page at `/`.
    Home,
    /// Anything else that stops a build.
    Other,
}

#[derive(Debug)]
pub struct Problem {
    pub fault: Fault,
    /// The page, the row or the path.
    pub subject: String,
    pub error: Error,
}

/// Every problem that would stop this snapshot from becoming a site.
pub fn problems(snapshot: Snapshot, config: &Config, manifests: &Manifests) -> Vec<Problem> {
    let mut paths = Paths::gathering();
    let end = assemble::with_paths(snapshot, config, manifests, &mut paths);
    let mut problems = paths.problems();
    if let Err(error) = end {
        problems.push(Problem { fault: Fault::Other, subject: "the site".to_owned(), error });
    }
    problems
}

/// What is wrong with one layout, each as a sentence.
pub fn layout_problems(row: LayoutRow, config: &Config, manifests: &Manifests) -> Vec<String> {
    layout_pages::page(row, config, manifests).err().unwrap_or_default()
}
