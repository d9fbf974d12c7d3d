//! The plan: which files are published under which names, from the theme and the content folder.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::images::{Images, Source};
use super::{Asset, Bytes, FOLDER, Manifest, css, dimensions};
use crate::cache::Cache;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fs;
use crate::model::ImageReference;
use crate::theme::{StaticFile, Theme, slashed};

/// The folder inside `static/` whose files are fingerprinted.
const FINGERPRINTED: &str = "_assets/";
const ICONS: &str = "icons/";

/// Names and sizes of all assets. Style sheets come last: they name the others.
pub fn plan(config: &Config, theme: &Theme, cache: &Arc<Cache>) -> Result<Manifest> {
    let mut icons = BTreeMap::new();
    let mut sheets = css::Sources::new();
    let mut sources = content_images(config)?;
    for (path, file) in &theme.static_files {
        match path.strip_prefix(FINGERPRINTED) {
            Some(name) if dimensions::has_extension(name, "css") => {
                sheets.insert(name.to_owned(), text(name, file)?);
            }
            Some(name) if name.starts_with(ICONS) && dimensions::has_extension(name, "svg") => {
                let icon = name[ICONS.len()..name.len() - ".svg".len()].to_owned();
                icons.insert(icon, text(name, file)?.trim().to_owned());
            }
            Some(name) => {
                sources.insert(name.to_owned(), (Way::Hashed, file.clone()));
            }
            None => {
                sources.insert(path.clone(), (Way::AsIs, file.clone()));
            }
        }
    }
    let most = config.images.max_pixels;
    let planned = sources.into_par_iter().map(|source| asset(source, most));
    let (assets, images): (Vec<_>, Vec<_>) =
        planned.collect::<Result<Vec<_>>>()?.into_iter().unzip();
    let images = images.into_iter().flatten();
    let images = Arc::new(Images::new(config.images.clone(), cache.clone(), images));
    let assets: BTreeMap<String, Asset> = assets.into_iter().collect();
    let on_demand = assets.values().filter(|asset| asset.on_demand);
    let on_demand = on_demand.map(|asset| asset.url.clone()).collect();
    let mut manifest = Manifest { assets, icons, on_demand, images };
    add_sheets(&mut manifest, &sheets)?;
    Ok(manifest)
}

/// Fails for the first image that a row or section names and the site does not have.
pub fn check_images(manifest: &Manifest, images: &[ImageReference]) -> Result<()> {
    if manifest.images.settings().allow_missing {
        return Ok(());
    }
    images.iter().try_for_each(|image| {
        manifest.check(&image.path).map_err(|error| {
            let help = error.help_text().unwrap_or_default().to_owned();
            Error::content(format!("{}: {error}", image.place)).help(help)
        })
    })
}

/// How a file is published.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Under its own path.
    AsIs,
    /// With a hash in its name.
    Hashed,
    /// Likewise, where a page refers to it.
    OnDemand,
}

type Sources = BTreeMap<String, (Way, StaticFile)>;

fn content_images(config: &Config) -> Result<Sources> {
    let mut images = BTreeMap::new();
    for file in fs::files_below(&config.build.content)? {
        let name = slashed(&file)?;
        if dimensions::is_image(&name) {
            let file = StaticFile::Own(config.build.content.join(file));
            images.insert(name, (Way::OnDemand, file));
        }
    }
    Ok(images)
}

/// A file as an asset, and as an image if it is one.
fn asset(
    (name, (way, file)): (String, (Way, StaticFile)),
    most: u64,
) -> Result<((String, Asset), Option<Source>)> {
    let bytes = file.read()?;
    let image = dimensions::is_image(&name).then(|| Source::file(&name, &file, &bytes, most));
    let url = if way == Way::AsIs { format!("/{name}") } else { fingerprint(&name, &bytes) };
    let on_demand = way == Way::OnDemand;
    Ok(((name, Asset { url, on_demand, bytes: Bytes::File(file) }), image))
}

fn add_sheets(manifest: &mut Manifest, sheets: &css::Sources) -> Result<()> {
    for entry in sheets.keys().filter(|name| css::is_entry(name)) {
        let locate = |name: &str| manifest.assets.get(name).map(|asset| asset.url.clone());
        let bundled = css::bundle(entry, sheets, &locate)?.into_bytes();
        let url = fingerprint(entry, &bundled);
        let asset = Asset { url, on_demand: false, bytes: Bytes::Made(bundled) };
        manifest.assets.insert(entry.clone(), asset);
    }
    Ok(())
}

fn text(name: &str, file: &StaticFile) -> Result<String> {
    String::from_utf8(file.read()?.into_owned()).map_err(|error| {
        Error::template(format!("static/_assets/{name} is not valid UTF-8")).because(error)
    })
}

/// `css/main.css` becomes `/_assets/css/main.1a2b3c4d5e6f7081.css`.
fn fingerprint(name: &str, bytes: &[u8]) -> String {
    let hash = blake3::hash(bytes).to_hex();
    let (folder, file) = name.rsplit_once('/').map_or(("", name), |(folder, file)| (folder, file));
    let (stem, extension) = file.rsplit_once('.').unwrap_or((file, "bin"));
    let mut url = FOLDER.to_owned();
    for folder in folder.split('/').filter(|folder| !folder.is_empty()) {
        url.push_str(&slug::slugify(folder));
        url.push('/');
    }
    let (stem, extension) = (slug::slugify(stem), extension.to_lowercase());
    url + &format!("{stem}.{}.{extension}", &hash[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_carries_the_hash_of_its_content() {
        let url = fingerprint("css/main.css", b"a{}");
        assert!(url.starts_with("/_assets/css/main.") && url.ends_with(".css"), "{url}");
        assert_eq!(url, fingerprint("css/main.css", b"a{}"));
        assert_ne!(url, fingerprint("css/main.css", b"b{}"));
        assert!(fingerprint("images/My Photo.JPG", b"x").ends_with(".jpg"));
    }
}
