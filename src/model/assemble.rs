//! Assembles the site: rows, layouts and configuration in, pages with their paths out.

use super::paths::Paths;
use super::problems::Fault;
use super::{
    Body, Collection, ImageReference, Manifests, Page, Row, Site, collection_pages, layout_pages,
};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::source::Snapshot;

/// The template of the page that hosts show where nothing is.
const NOT_FOUND: &str = "pages/404.html";

pub fn assemble(snapshot: Snapshot, config: &Config, manifests: &Manifests) -> Result<Site> {
    with_paths(snapshot, config, manifests, &mut Paths::default())
}

/// The same; what becomes of problems, the paths decide.
pub fn with_paths(
    snapshot: Snapshot,
    config: &Config,
    manifests: &Manifests,
    paths: &mut Paths,
) -> Result<Site> {
    let mut site = Site::default();
    layout_pages::add(&mut site, snapshot.layouts, config, manifests, paths)?;
    fixed_pages(&mut site, config, paths)?;
    let mut notes = snapshot.notes;
    for (name, rows) in snapshot.collections {
        let notes = notes.swap_remove(&name).unwrap_or_default();
        let mut collection = Collection { rows, notes, ..Collection::default() };
        if let Some(config) = config.collections.get(&name) {
            row_images(&mut site.images, &collection, config);
            collection_pages::add(&mut site.pages, &mut collection, config, paths)?;
        }
        site.collections.insert(name, collection);
    }
    if !site.pages.iter().any(|page| page.path == "/") {
        paths.refuse(Fault::Home, "/", no_home(config))?;
    }
    paths.take("/404.html", || "the page for what is not found".to_owned())?;
    site.pages.push(not_found());
    Ok(site)
}

fn fixed_pages(site: &mut Site, config: &Config, paths: &mut Paths) -> Result<()> {
    for page in &config.pages {
        paths.take(&page.path, || format!("[[pages]] \"{}\"", page.path))?;
        site.pages.push(Page {
            path: page.path.clone(),
            title: page.title.clone(),
            description: page.description.clone(),
            image: None,
            updated: None,
            template: page.template.clone(),
            body: Body::Fixed { collections: page.collections.clone() },
        });
    }
    Ok(())
}

fn not_found() -> Page {
    Page {
        path: "/404.html".to_owned(),
        title: "Page not found".to_owned(),
        description: String::new(),
        image: None,
        updated: None,
        template: NOT_FOUND.to_owned(),
        body: Body::NotFound,
    }
}

fn no_home(config: &Config) -> Error {
    let help = match &config.layouts {
        Some(table) => format!(
            "publish a row in {table} whose page_name is \"home\"; `frieze db seed` writes the layouts that content/ holds"
        ),
        None => "add [[pages]] with path = \"/\", or [layouts]".to_owned(),
    };
    Error::content("the site has no home page").help(help)
}

fn row_images(
    images: &mut Vec<ImageReference>,
    collection: &Collection,
    config: &crate::config::Collection,
) {
    for column in &config.images {
        images.extend(collection.rows.iter().filter_map(|row| image_of(config, row, column)));
    }
}

/// The images that a row's columns name.
pub(super) fn images_of<'a>(
    config: &'a crate::config::Collection,
    row: &'a Row,
) -> impl Iterator<Item = ImageReference> + use<'a> {
    config.images.iter().filter_map(|column| image_of(config, row, column))
}

fn image_of(config: &crate::config::Collection, row: &Row, column: &str) -> Option<ImageReference> {
    let path = row.text(column).filter(|path| !path.is_empty())?.to_owned();
    let place = format!("{}, the row with {}, column {column}", config.name, row.label());
    Some(ImageReference { path, place, quality: config.image_quality })
}
