//! The model: pages, sections, slugs, links and image references as plain values. No I/O.

mod assemble;
mod collection_pages;
mod layout;
mod layout_pages;
mod manifest;
mod paths;
mod problems;
mod section;
mod slug;
mod update;

use indexmap::IndexMap;
use serde_json::{Map, Value};

pub use assemble::assemble;
pub use layout_pages::layout_page;
pub use manifest::{Field, FieldKind, Manifest, Manifests};
pub use problems::{Fault, Problem, layout_problems, problems};
pub use section::{Section, is_safe_url};
pub use update::PageIndex;

pub use crate::source::{Far, Hash, Notes, Row, Written};

/// A whole site, ready to render.
#[derive(Debug, Default)]
pub struct Site {
    /// Rows by collection, in their order.
    pub collections: IndexMap<String, Collection>,
    /// Every HTML page, by path.
    pub pages: Vec<Page>,
    /// Images that rows and sections name, each with the place that names it.
    pub images: Vec<ImageReference>,
}

/// A collection's rows and where each of them is found on the site.
#[derive(Debug, Default)]
pub struct Collection {
    pub rows: Vec<Row>,
    /// The path of each row's page; empty when rows have none.
    pub paths: Vec<String>,
    pub groups: Vec<GroupIndex>,
    /// What is known of the rows beside their columns.
    pub notes: Notes,
}

impl Collection {
    /// The rows that are near one, with the collection they are from.
    pub fn related(&self, row: usize) -> Option<(&str, &[usize])> {
        let related = self.notes.related.as_ref()?;
        Some((related.of.as_str(), related.rows.get(row)?.as_slice()))
    }

    pub fn path(&self, row: usize) -> Option<&str> {
        self.paths.get(row).map(String::as_str)
    }
}

/// A collection grouped by a column.
#[derive(Debug)]
pub struct GroupIndex {
    pub column: String,
    /// The groups, in order of their keys.
    pub groups: Vec<Group>,
    /// The groups each row is in, as positions in `groups`.
    pub of_row: Vec<Vec<usize>>,
}

#[derive(Debug)]
pub struct Group {
    pub key: String,
    pub path: String,
    pub rows: Vec<usize>,
}

/// An image that content names.
#[derive(Debug, Clone)]
pub struct ImageReference {
    pub path: String,
    /// What names it, for messages.
    pub place: String,
    /// The quality that its collection wants.
    pub quality: Option<u8>,
}

/// One HTML page.
#[derive(Debug)]
pub struct Page {
    /// The path on the site, unencoded: `/`, `/about/`, `/404.html`.
    pub path: String,
    pub title: String,
    pub description: String,
    /// The image that stands for the page, as its row or layout names it.
    pub image: Option<String>,
    /// RFC 3339; when its content last changed, where that is known.
    pub updated: Option<String>,
    /// The template that renders it.
    pub template: String,
    pub body: Body,
}

/// What a page shows.
#[derive(Debug)]
pub enum Body {
    Layout { name: String, props: Map<String, Value>, sections: Vec<Section>, hash: Hash },
    Row { collection: String, row: usize, collections: Vec<String> },
    List { collection: String, rows: Vec<usize>, pager: Pager },
    Group { collection: String, column: String, group: usize, rows: Vec<usize>, pager: Pager },
    Fixed { collections: Vec<(String, Option<usize>)> },
    NotFound,
}

/// Where a page stands in a numbered series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pager {
    /// From 1.
    pub number: usize,
    /// How many pages there are.
    pub total: usize,
    /// How many rows there are on all of them.
    pub rows: usize,
    /// The path of page 1.
    pub base: String,
}

impl Page {
    /// How messages name the page.
    pub fn label(&self) -> String {
        match &self.body {
            Body::Layout { name, .. } => format!("page \"{name}\" ({})", self.path),
            _ => format!("page {}", self.path),
        }
    }

    /// The kind templates see.
    pub fn kind(&self) -> &'static str {
        match self.body {
            Body::Layout { .. } => "layout",
            Body::Row { .. } => "row",
            Body::List { .. } => "list",
            Body::Group { .. } => "group",
            Body::Fixed { .. } => "fixed",
            Body::NotFound => "error",
        }
    }

    /// The name templates see: a layout's page name, a collection's name, or the path.
    pub fn name(&self) -> &str {
        match &self.body {
            Body::Layout { name, .. } => name,
            Body::Row { collection, .. }
            | Body::List { collection, .. }
            | Body::Group { collection, .. } => collection,
            Body::Fixed { .. } => self.path.trim_matches('/'),
            Body::NotFound => "404",
        }
    }
}
