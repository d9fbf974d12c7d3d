//! Input keys: a hash over everything a page is made from. A page whose key a former build already
//! published need not be rendered again.

use blake3::Hasher;

use crate::config::Config;
use crate::model::{Body, Collection, Hash, Page, Row, Section, Site};
use crate::theme::Theme;

/// Keys of one build's pages.
pub struct Keys<'a> {
    site: &'a Site,
    /// Only what pages say, and not when it was touched.
    content: bool,
    /// What every page depends on: program, configuration, templates, assets, shared rows.
    environment: Hash,
}

impl<'a> Keys<'a> {
    pub fn new(config: &Config, theme: &Theme, assets: Hash, site: &'a Site) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(program().as_bytes());
        // Debug output names every field, so a new one cannot be forgotten here.
        let (build, collections) = (&config.build, &config.collections);
        let facts = (&config.site, build.highlight, build.minify, collections, &config.pages);
        hasher.update(format!("{facts:?}").as_bytes());
        for (name, template) in &theme.templates {
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
            hasher.update(&(template.text.len() as u64).to_le_bytes());
            hasher.update(template.text.as_bytes());
        }
        hasher.update(&assets);
        let mut keys = Self { site, content: false, environment: Hash::default() };
        for name in &config.site.shared {
            keys.collection(&mut hasher, name, None);
        }
        keys.environment = hasher.finalize().into();
        keys
    }

    /// Keys of what pages say alone: the same for any program, theme and configuration, and whenever
    /// rows were made and touched.
    pub fn of_content(config: &Config, site: &'a Site) -> Self {
        let mut keys = Self { site, content: true, environment: Hash::default() };
        let mut hasher = Hasher::new();
        for name in &config.site.shared {
            keys.collection(&mut hasher, name, None);
        }
        keys.environment = hasher.finalize().into();
        keys
    }

    /// The key of one page.
    pub fn page(&self, page: &Page) -> Hash {
        let mut hasher = Hasher::new();
        hasher.update(&self.environment);
        let facts = (
            &page.path,
            &page.title,
            &page.description,
            &page.image,
            page.updated.as_ref().filter(|_| !self.content),
            &page.template,
        );
        hasher.update(format!("{facts:?}").as_bytes());
        match &page.body {
            Body::Layout { sections, hash, .. } => {
                hasher.update(hash);
                self.sections(&mut hasher, sections);
            }
            Body::Row { collection, row, collections } => {
                let rows = self.rows(collection);
                for row in [Some(*row), row.checked_sub(1), Some(row + 1)] {
                    let row = row.filter(|row| *row < rows.len());
                    hasher.update(&row.map_or([0; 32], |row| self.row(collection, row)));
                }
                for name in collections {
                    self.collection(&mut hasher, name, None);
                }
            }
            Body::List { collection, rows, pager } => {
                hasher.update(format!("{pager:?}").as_bytes());
                self.some(&mut hasher, collection, rows);
            }
            Body::Group { collection, column, group, rows, pager } => {
                hasher.update(format!("{pager:?}{column}{group}").as_bytes());
                self.some(&mut hasher, collection, rows);
            }
            Body::Fixed { collections } => {
                for (name, most) in collections {
                    self.collection(&mut hasher, name, *most);
                }
            }
            Body::NotFound => {}
        }
        hasher.finalize().into()
    }

    fn rows(&self, collection: &str) -> &[Row] {
        self.site.collections.get(collection).map(|c| c.rows.as_slice()).unwrap_or_default()
    }

    /// All that a row's value is made of: its columns, what is known beside them, and the same of
    /// the rows that are shown with it.
    fn row(&self, collection: &str, row: usize) -> Hash {
        let Some(of) = self.site.collections.get(collection) else { return Hash::default() };
        let Some((other, near)) = of.related(row) else { return self.bare(of, row) };
        let mut hasher = Hasher::new();
        hasher.update(&self.bare(of, row));
        if let Some(other) = self.site.collections.get(other) {
            for row in near {
                hasher.update(&self.bare(other, *row));
            }
        }
        hasher.finalize().into()
    }

    /// The same of a row without those that are shown with it.
    fn bare(&self, of: &Collection, row: usize) -> Hash {
        let hash = |row: &Row| if self.content { row.content } else { row.hash };
        let hash = of.rows.get(row).map_or([0; 32], hash);
        let Some(written) = of.notes.written.get(&row) else { return hash };
        let mut hasher = Hasher::new();
        hasher.update(&hash).update(format!("{written:?}").as_bytes());
        hasher.finalize().into()
    }

    fn some(&self, hasher: &mut Hasher, collection: &str, rows: &[usize]) {
        for row in rows {
            hasher.update(&self.row(collection, *row));
        }
    }

    fn collection(&self, hasher: &mut Hasher, name: &str, most: Option<usize>) {
        let count = self.rows(name).len().min(most.unwrap_or(usize::MAX));
        for row in 0..count {
            hasher.update(&self.row(name, row));
        }
        hasher.update(name.as_bytes()).update(&[0]);
    }

    fn sections(&self, hasher: &mut Hasher, sections: &[Section]) {
        for section in sections {
            for name in &section.collections {
                self.collection(hasher, name, None);
            }
            section.slots.values().for_each(|children| self.sections(hasher, children));
        }
    }
}

/// Tells one build of the program from another: its version, and the size and time of its file.
fn program() -> String {
    let file = std::env::current_exe().and_then(std::fs::metadata);
    let stamp = file.map(|file| (file.len(), file.modified().ok()));
    format!("{} {stamp:?}", env!("CARGO_PKG_VERSION"))
}
