//! The plan: which files are published under which names, from the theme and the content folder.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Asset, Bytes, FOLDER, Manifest, css, dimensions};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::fs;
use crate::model::ImageReference;
use crate::theme::{StaticFile, Theme, slashed};

/// The folder inside `static/` whose files are fingerprinted.
const FINGERPRINTED: &str = "_assets/";
const ICONS: &str = "icons/";

/// Names and sizes of all assets. Style sheets come last: they name the others.
pub fn plan(config: &Config, theme: &Theme) -> Result<Manifest> {
    let mut manifest = Manifest { image_hosts: config.image_hosts.clone(), ..Manifest::default() };
    let mut sheets = css::Sources::new();
    let mut sources = content_images(config)?;
    for (path, file) in &theme.static_files {
        match path.strip_prefix(FINGERPRINTED) {
            Some(name) if dimensions::has_extension(name, "css") => {
                sheets.insert(name.to_owned(), text(name, file)?);
            }
            Some(name) if name.starts_with(ICONS) && dimensions::has_extension(name, "svg") => {
                let icon = name[ICONS.len()..name.len() - ".svg".len()].to_owned();
                manifest.icons.insert(icon, text(name, file)?.trim().to_owned());
            }
            Some(name) => {
                sources.insert(name.to_owned(), (true, file.clone()));
            }
            None => {
                sources.insert(path.clone(), (false, file.clone()));
            }
        }
    }
    manifest.assets = sources.into_par_iter().map(asset).collect::<Result<_>>()?;
    add_sheets(&mut manifest, &sheets)?;
    Ok(manifest)
}

/// Fails for the first image that a row or section names and the site does not have.
pub fn check_images(manifest: &Manifest, images: &[ImageReference]) -> Result<()> {
    images.iter().try_for_each(|image| {
        manifest.image(&image.path).map(drop).map_err(|error| {
            let help = error.help_text().unwrap_or_default().to_owned();
            Error::content(format!("{}: {error}", image.place)).help(help)
        })
    })
}

fn content_images(config: &Config) -> Result<BTreeMap<String, (bool, StaticFile)>> {
    let mut images = BTreeMap::new();
    for file in fs::files_below(&config.build.content)? {
        let name = slashed(&file)?;
        if dimensions::is_image(&name) {
            images.insert(name, (true, StaticFile::Own(config.build.content.join(file))));
        }
    }
    Ok(images)
}

fn asset((name, (fingerprinted, file)): (String, (bool, StaticFile))) -> Result<(String, Asset)> {
    let bytes = file.read()?;
    let size = dimensions::is_image(&name).then(|| dimensions::of(&name, &bytes)).flatten();
    let url = if fingerprinted { fingerprint(&name, &bytes) } else { format!("/{name}") };
    drop(bytes);
    Ok((name, Asset { url, size, bytes: Bytes::File(file) }))
}

fn add_sheets(manifest: &mut Manifest, sheets: &css::Sources) -> Result<()> {
    for entry in sheets.keys().filter(|name| css::is_entry(name)) {
        let locate = |name: &str| manifest.assets.get(name).map(|asset| asset.url.clone());
        let bundled = css::bundle(entry, sheets, &locate)?.into_bytes();
        let url = fingerprint(entry, &bundled);
        let asset = Asset { url, size: None, bytes: Bytes::Made(bundled) };
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
    let slash = if folder.is_empty() { "" } else { "/" };
    let stem = slug::slugify(stem);
    format!("{FOLDER}{folder}{slash}{stem}.{}.{}", &hash[..16], extension.to_lowercase())
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
