//! What a first visit takes from the host, estimated from the site that was built last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Serialize;

use crate::config::{Config, Target};
use crate::error::Result;
use crate::{fs, theme};

/// Vercel's free plan, a month.
const LIMIT: u64 = 100_000_000_000;

/// Where fingerprinted files are.
const ASSETS: &str = "/_assets/";

/// Uncompressed, and so the upper end: hosts compress pages and styles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Transfer {
    pub pages: usize,
    /// A page, the styles, scripts and fonts it names, and one variant of each image; the mean of
    /// all pages.
    pub bytes_per_visit: u64,
    pub limit: u64,
    pub visits_per_month: u64,
}

/// The files of a site: each one's size.
type Files = BTreeMap<String, u64>;

impl Transfer {
    /// None where there is no site yet, or none that can be read.
    pub fn measure(config: &Config) -> Option<Self> {
        let root = match config.build.target {
            Target::Static => config.build.output.clone(),
            Target::Vercel => config.build.output.join("static"),
        };
        let measured = files(&root).and_then(|files| Self::of(&root, &files));
        measured.unwrap_or_else(|error| {
            tracing::warn!("{}", error.report());
            None
        })
    }

    fn of(root: &Path, files: &Files) -> Result<Option<Self>> {
        let pages: Vec<_> = files.keys().filter(|name| name.ends_with(".html")).collect();
        let mut total = 0;
        let mut styles = BTreeMap::new();
        for page in &pages {
            let html = text(&root.join(page))?;
            total += html.len() as u64 + images(&html, files);
            for name in whole(&html) {
                total += size(&name, files);
                if !styles.contains_key(&name) {
                    let fonts = fonts(root, &name, files)?;
                    styles.insert(name.clone(), fonts);
                }
                total += styles[&name];
            }
        }
        let Some(bytes_per_visit) = total.checked_div(pages.len() as u64) else { return Ok(None) };
        let visits_per_month = LIMIT / bytes_per_visit.max(1);
        Ok(Some(Self { pages: pages.len(), bytes_per_visit, limit: LIMIT, visits_per_month }))
    }
}

fn files(root: &Path) -> Result<Files> {
    let mut files = Files::new();
    for path in fs::files_below(root)? {
        files.insert(theme::slashed(&path)?, fs::metadata(&root.join(&path))?.len());
    }
    Ok(files)
}

/// A page or style sheet; somebody else's may be in any encoding.
fn text(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).into_owned())
}

fn size(name: &str, files: &Files) -> u64 {
    files.get(name.trim_start_matches('/')).copied().unwrap_or_default()
}

/// Names of fingerprinted files in a text.
fn names(text: &str) -> impl Iterator<Item = String> {
    text.split(ASSETS).skip(1).map(|rest| {
        let end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '>' | ',' | ')' | '&');
        format!("{ASSETS}{}", rest.split(end).next().unwrap_or_default())
    })
}

/// Styles and scripts that a page names: they come once, and whole.
fn whole(html: &str) -> BTreeSet<String> {
    names(html).filter(|name| name.ends_with(".css") || name.ends_with(".js")).collect()
}

/// The fonts that a style sheet names.
fn fonts(root: &Path, style: &str, files: &Files) -> Result<u64> {
    let path = style.trim_start_matches('/');
    if !style.ends_with(".css") || !files.contains_key(path) {
        return Ok(0);
    }
    let css = text(&root.join(path))?;
    let fonts: BTreeSet<_> = names(&css).filter(|name| name.contains("/fonts/")).collect();
    Ok(fonts.iter().map(|name| size(name, files)).sum())
}

/// Of each image one variant is taken: the mean of those its element names.
fn images(html: &str, files: &Files) -> u64 {
    let elements = html.split("<img").skip(1).filter_map(|rest| rest.split('>').next());
    let mean = |element: &str| {
        let variants: BTreeSet<_> = names(element).collect();
        let total: u64 = variants.iter().map(|name| size(name, files)).sum();
        total.checked_div(variants.len() as u64).unwrap_or_default()
    };
    elements.map(mean).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_is_page_styles_fonts_and_one_variant_of_each_image() {
        let folder = tempfile::tempdir().unwrap();
        let page = r#"<link href="/_assets/css/a.css"><meta content="/_assets/images/og.jpg"><img src=/_assets/images/x-1.webp srcset="/_assets/images/x-1.webp 1w, /_assets/images/x-2.webp 2w">"#;
        let css = "@font-face{src:url(/_assets/fonts/f.woff2)}";
        std::fs::create_dir_all(folder.path().join("_assets/css")).unwrap();
        std::fs::write(folder.path().join("index.html"), page).unwrap();
        std::fs::write(folder.path().join("_assets/css/a.css"), css).unwrap();
        let files = [
            ("index.html", page.len() as u64),
            ("_assets/css/a.css", css.len() as u64),
            ("_assets/fonts/f.woff2", 1000),
            ("_assets/images/og.jpg", 9999),
            ("_assets/images/x-1.webp", 100),
            ("_assets/images/x-2.webp", 300),
        ];
        let files: Files = files.map(|(name, size)| (name.to_owned(), size)).into();
        let transfer = Transfer::of(folder.path(), &files).unwrap().unwrap();
        let sum = page.len() + css.len() + 1000 + 200;
        assert_eq!((transfer.pages, transfer.bytes_per_visit), (1, sum as u64));
        assert_eq!(transfer.visits_per_month, LIMIT / sum as u64);
    }

    #[test]
    fn without_pages_there_is_nothing_to_say() {
        assert_eq!(Transfer::of(Path::new("nowhere"), &Files::new()).unwrap(), None);
    }
}
