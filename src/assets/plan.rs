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
    let planned = planned.collect::<Result<Vec<_>>>()?;
    let plain = planned.iter().filter_map(|it| Some((it.asset.url.clone(), it.plain?))).collect();
    let (assets, images): (Vec<_>, Vec<_>) =
        planned.into_iter().map(|it| ((it.name, it.asset), it.image)).unzip();
    let images = images.into_iter().flatten();
    let images = Arc::new(Images::new(config.images.clone(), cache.clone(), images));
    let assets: BTreeMap<String, Asset> = assets.into_iter().collect();
    let on_demand = assets.values().filter(|asset| asset.on_demand);
    let on_demand = on_demand.map(|asset| asset.url.clone()).collect();
    let mut manifest = Manifest { assets, icons, sheets, on_demand, plain, images };
    add_sheets(&mut manifest)?;
    Ok(manifest)
}

/// The plan after some files changed, came or went: `files` in `static/`, which the theme knows
/// already, and `pictures` in `content/`. Costs what those files cost.
pub fn replan(
    former: &Manifest,
    config: &Config,
    theme: &Theme,
    files: &[String],
    pictures: &[String],
) -> Result<Manifest> {
    let mut manifest = former.clone();
    let mut changed = Vec::new();
    for path in files {
        let file = theme.static_files.get(path);
        match path.strip_prefix(FINGERPRINTED) {
            Some(name) if dimensions::has_extension(name, "css") => {
                manifest.assets.remove(name);
                let sheet = file.map(|file| text(name, file)).transpose()?;
                put(&mut manifest.sheets, name, sheet);
            }
            Some(name) if name.starts_with(ICONS) && dimensions::has_extension(name, "svg") => {
                let icon = &name[ICONS.len()..name.len() - ".svg".len()];
                let svg = file.map(|file| text(name, file)).transpose()?;
                put(&mut manifest.icons, icon, svg.map(|svg| svg.trim().to_owned()));
            }
            Some(name) => changed.push((name.to_owned(), Way::Hashed, file.cloned())),
            None => changed.push((path.clone(), Way::AsIs, file.cloned())),
        }
    }
    for name in pictures.iter().filter(|name| dimensions::is_image(name)) {
        let path = config.build.content.join(name);
        let file = path.is_file().then_some(StaticFile::Own(path));
        changed.push((name.clone(), Way::OnDemand, file));
    }
    let (mut found, mut gone) = (Vec::new(), Vec::new());
    for (name, way, file) in changed {
        if let Some(old) = manifest.assets.remove(&name) {
            manifest.on_demand.remove(&old.url);
            manifest.plain.remove(&old.url);
        }
        let Some(file) = file else {
            gone.push(name);
            continue;
        };
        let planned = asset((name, (way, file)), config.images.max_pixels)?;
        if planned.asset.on_demand {
            manifest.on_demand.insert(planned.asset.url.clone());
        }
        if let Some(hash) = planned.plain {
            manifest.plain.insert(planned.asset.url.clone(), hash);
        }
        manifest.assets.insert(planned.name, planned.asset);
        found.extend(planned.image);
    }
    if !found.is_empty() || !gone.is_empty() {
        manifest.images = Arc::new(manifest.images.with(found, &gone));
    }
    add_sheets(&mut manifest)?;
    Ok(manifest)
}

fn put(map: &mut BTreeMap<String, String>, name: &str, text: Option<String>) {
    match text {
        Some(text) => drop(map.insert(name.to_owned(), text)),
        None => drop(map.remove(name)),
    }
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
struct Planned {
    name: String,
    asset: Asset,
    image: Option<Source>,
    /// Of its content, where its name does not tell.
    plain: Option<blake3::Hash>,
}

fn asset((name, (way, file)): (String, (Way, StaticFile)), most: u64) -> Result<Planned> {
    let bytes = file.read()?;
    let image = dimensions::is_image(&name).then(|| Source::file(&name, &file, &bytes, most));
    let plain = (way == Way::AsIs).then(|| blake3::hash(&bytes));
    let url = if way == Way::AsIs { format!("/{name}") } else { fingerprint(&name, &bytes) };
    let on_demand = way == Way::OnDemand;
    Ok(Planned { name, asset: Asset { url, on_demand, bytes: Bytes::File(file) }, image, plain })
}

fn add_sheets(manifest: &mut Manifest) -> Result<()> {
    let sheets = &manifest.sheets;
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
