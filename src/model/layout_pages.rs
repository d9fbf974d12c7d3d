//! Pages that editors compose: one for each published layout.

use serde_json::{Map, Value};

use super::paths::Paths;
use super::problems::Fault;
use super::{Body, ImageReference, Manifests, Page, Section, Site, layout, section, slug};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::source::LayoutRow;

const TEMPLATE: &str = "pages/layout.html";

const HELP: &str = "mend the layout in the editor and publish it again, or unpublish this version";

/// How many problems one message lists.
const MOST_PROBLEMS: usize = 20;

pub fn add(
    site: &mut Site,
    layouts: Vec<LayoutRow>,
    config: &Config,
    manifests: &Manifests,
    paths: &mut Paths,
) -> Result<()> {
    let mut problems = Vec::new();
    for row in layouts {
        let place = place(&row);
        match page(row, config, manifests) {
            Ok(page) => {
                paths.take(&page.path, || place.clone())?;
                gather_images(&mut site.images, &place, &page);
                site.pages.push(page);
            }
            Err(found) => problems.extend(found.into_iter().map(|what| (place.clone(), what))),
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    if paths.is_gathering() {
        return problems.into_iter().try_for_each(|(place, what)| {
            paths.refuse(Fault::Layout, &place, Error::content(what).help(HELP))
        });
    }
    let problems: Vec<_> =
        problems.into_iter().map(|(place, what)| format!("{place}: {what}")).collect();
    Err(report(&problems))
}

/// The page of one layout; the error lists what is wrong with it.
pub fn layout_page(row: LayoutRow, config: &Config, manifests: &Manifests) -> Result<Page> {
    let place = place(&row);
    page(row, config, manifests).map_err(|found| {
        let found: Vec<_> = found.into_iter().map(|what| format!("{place}: {what}")).collect();
        report(&found)
    })
}

/// How messages name a layout.
pub fn place(row: &LayoutRow) -> String {
    format!("page \"{}\" version {}", row.page, row.version)
}

fn report(problems: &[String]) -> Error {
    let shown = &problems[..problems.len().min(MOST_PROBLEMS)];
    let more = problems.len() - shown.len();
    let mut message = shown.join("\n");
    if more > 0 {
        message = format!("{message}\nand {more} more");
    }
    Error::content(message).help(HELP)
}

pub fn page(row: LayoutRow, config: &Config, manifests: &Manifests) -> Result<Page, Vec<String>> {
    let path = path(&row.page).map_err(|what| vec![what])?;
    let mut layout = layout::parse(row.json).map_err(|what| vec![format!("the layout {what}")])?;
    let props = std::mem::take(&mut layout.props);
    let sections = section::sections(layout, manifests)?;
    let missing = missing_collections(&sections, config);
    if !missing.is_empty() {
        return Err(missing);
    }
    if sections.is_empty() {
        return Err(vec!["the layout has no visible section".to_owned()]);
    }
    Ok(Page {
        title: text(&props, "title").unwrap_or_else(|| default_title(&row.page)),
        description: text(&props, "description").unwrap_or_default(),
        image: text(&props, "image"),
        updated: row.updated,
        template: TEMPLATE.to_owned(),
        body: Body::Layout { name: row.page, props, sections, hash: row.hash },
        path,
    })
}

/// A section may only read collections that the site has.
fn missing_collections(sections: &[Section], config: &Config) -> Vec<String> {
    let mut missing = Vec::new();
    for section in sections {
        let absent = section.collections.iter().filter(|n| !config.collections.contains_key(*n));
        missing.extend(absent.map(|name| {
            format!(
                "section \"{}\" ({}) reads the collection \"{name}\", which frieze.toml does not have",
                section.id, section.kind
            )
        }));
        for children in section.slots.values() {
            missing.extend(missing_collections(children, config));
        }
    }
    missing
}

fn path(name: &str) -> Result<String, String> {
    if name == "home" {
        return Ok("/".to_owned());
    }
    slug::segment(name).map(|name| format!("/{name}/")).map_err(|error| error.to_string())
}

/// "about-us" reads "About us"; the home page has the site's title alone.
fn default_title(name: &str) -> String {
    if name == "home" {
        return String::new();
    }
    let spaced = name.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn text(props: &Map<String, Value>, key: &str) -> Option<String> {
    props.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The images that a page of a layout names.
pub fn gather_images(images: &mut Vec<ImageReference>, place: &str, page: &Page) {
    if let Some(path) = &page.image {
        images.push(ImageReference { path: path.clone(), place: place.to_owned(), quality: None });
    }
    if let Body::Layout { sections, .. } = &page.body {
        for section in sections {
            section_images(images, place, section);
        }
    }
}

fn section_images(images: &mut Vec<ImageReference>, place: &str, section: &Section) {
    images.extend(section.images.iter().map(|(at, path)| ImageReference {
        quality: None,
        path: path.clone(),
        place: format!("{place}: {at}"),
    }));
    for child in section.slots.values().flatten() {
        section_images(images, place, child);
    }
}
